-- Nobody reads the topic that is not there: receivers are told from kpid.delivery.
DELETE FROM kpid.outbox
