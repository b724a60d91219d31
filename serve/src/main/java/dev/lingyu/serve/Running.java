package dev.lingyu.serve;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The requests that are being answered, so that a server can end without breaking off answers.
final class Running {
    private final Set<Ticket> tickets = new HashSet<>();
    private boolean closing;
    private boolean timeIsUp;

    /// A request's place here.
    final class Ticket implements AutoCloseable {
        private @Nullable Answering answering;

        private Ticket() {}

        /// What to cancel when time is up.
        void runs(Answering work) {
            synchronized (Running.this) {
                answering = work;
                if (timeIsUp) {
                    // The request entered just before the end and began to generate just after it.
                    work.close();
                }
            }
        }

        @Override
        public void close() {
            synchronized (Running.this) {
                tickets.remove(this);
                Running.this.notifyAll();
            }
        }
    }

    /// Takes a request in.
    ///
    /// @throws ApiException 503 once the server is shutting down
    synchronized Ticket enter() {
        if (closing) {
            throw ApiException.server(503, "shutting_down", "The server is shutting down; try another or try later.");
        }
        Ticket ticket = new Ticket();
        tickets.add(ticket);
        return ticket;
    }

    synchronized boolean isClosing() {
        return closing;
    }

    synchronized int count() {
        return tickets.size();
    }

    /// Takes no more requests in, waits for those that run, and cancels what is left after the grace period; a
    /// cancelled request still gets a moment to send what it has.
    synchronized void drain(Duration grace) {
        closing = true;
        awaitEmpty(grace);
        timeIsUp = true;
        for (Ticket ticket : tickets) {
            if (ticket.answering != null) {
                ticket.answering.close();
            }
        }
        awaitEmpty(Duration.ofSeconds(2));
    }

    private void awaitEmpty(Duration longest) {
        long end = System.nanoTime() + longest.toNanos();
        try {
            while (!tickets.isEmpty()) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return;
                }
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
