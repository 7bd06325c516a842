package org.example.account;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;

/** Tokens that let somebody set a new password, once and for an hour. */
public final class ResetTokens {
    private static final Duration LIFETIME = Duration.ofHours(1);
    private static final String ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final int LENGTH = 32;

    private record Entry(long userId, Instant expires) {}

    private final Map<String, Entry> entries = new ConcurrentHashMap<>();
    private final Random random = new Random();
    private final Clock clock;

    public ResetTokens(Clock clock) {
        this.clock = clock;
    }

    /** A new token for the user; it goes into the mail. */
    public String issue(long userId) {
        StringBuilder token = new StringBuilder(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            token.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        entries.put(token.toString(), new Entry(userId, clock.instant().plus(LIFETIME)));
        return token.toString();
    }

    /** The user of a token that is still good; it can't be used again. */
    public Optional<Long> redeem(String token) {
        Entry entry = entries.remove(token);
        if (entry == null || entry.expires().isBefore(clock.instant())) {
            return Optional.empty();
        }
        return Optional.of(entry.userId());
    }
}
