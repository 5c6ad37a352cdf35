-- An alert that changes before it is thought of changes its row here, since it has a revision: in a full page that is
-- an index entry more.
ALTER TABLE kpid.notification SET (fillfactor = 50);
