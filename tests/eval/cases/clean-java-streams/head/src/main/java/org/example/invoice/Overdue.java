package org.example.invoice;

import java.time.LocalDate;
import java.util.Comparator;
import java.util.List;

/** Which invoices have to be reminded of. */
public final class Overdue {
    private Overdue() {}

    public record Invoice(String number, LocalDate due, boolean paid) {}

    /** The invoices that are overdue on that day, the oldest first. */
    public static List<Invoice> on(LocalDate day, List<Invoice> invoices) {
        return invoices.stream()
                .filter(invoice -> !invoice.paid() && invoice.due().isBefore(day))
                .sorted(Comparator.comparing(Invoice::due))
                .toList();
    }
}
