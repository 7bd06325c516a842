package org.example.export;

import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.Map;

/** Writes orders as lines of text for the accounting system. */
public final class Exporter {
    private final Writer out;
    private final List<Order> exported;

    public Exporter(Writer out, List<Order> exported) {
        this.out = out;
        this.exported = List.copyOf(exported);
    }

    /** One order, as read from the database. */
    public record Order(Long id, String customer, long cents) {}

    public int export(List<Order> orders, Map<String, String> accounts) throws IOException {
        int written = 0;
        for (Order order : orders) {
            if (isExported(order)) {
                continue;
            }
            String account = accounts.getOrDefault(order.customer(), "9999");
            out.write("%d;%s;%d%n".formatted(order.id(), account, order.cents()));
            written++;
        }
        out.flush();
        return written;
    }

    private boolean isExported(Order order) {
        for (Order other : exported) {
            if (other.id() == order.id()) {
                return true;
            }
        }
        return false;
    }
}
