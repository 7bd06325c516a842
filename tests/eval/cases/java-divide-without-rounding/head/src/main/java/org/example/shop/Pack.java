package org.example.shop;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Objects;

/** Several pieces of one article that are sold together. */
public record Pack(String article, int pieces, BigDecimal price) {
    private static final BigDecimal HUNDRED = BigDecimal.valueOf(100);

    public Pack {
        Objects.requireNonNull(article);
        if (pieces < 1) {
            throw new IllegalArgumentException("A pack of " + article + " needs a piece.");
        }
    }

    /** The price less a discount in percent. */
    public BigDecimal discounted(int percent) {
        BigDecimal factor = BigDecimal.valueOf(100L - percent).divide(HUNDRED);
        return price.multiply(factor).setScale(2, RoundingMode.HALF_UP);
    }

    /** The price of one piece. */
    public BigDecimal piecePrice() {
        return price.divide(BigDecimal.valueOf(pieces)).setScale(2, RoundingMode.HALF_UP);
    }
}
