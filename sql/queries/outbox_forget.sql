-- Drops all messages: no alert topic is configured. Receivers are notified from kpid.delivery.
DELETE FROM kpid.outbox
