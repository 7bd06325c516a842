package org.example.export;

import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.Map;

/** Writes orders as lines of text for the accounting system. */
public final class Exporter {
    private final Writer out;

    public Exporter(Writer out) {
        this.out = out;
    }

    /** One order, as read from the database. */
    public record Order(Long id, String customer, long cents) {}

    public int export(List<Order> orders, Map<String, String> accounts) throws IOException {
        int written = 0;
        for (Order order : orders) {
            String account = accounts.getOrDefault(order.customer(), "9999");
            out.write("%d;%s;%d%n".formatted(order.id(), account, order.cents()));
            written++;
        }
        out.flush();
        return written;
    }
}
