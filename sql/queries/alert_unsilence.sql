SELECT report.end_silence($1::bigint)
