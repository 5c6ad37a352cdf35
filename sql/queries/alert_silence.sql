-- Keeps alerts back until $1 from now, or until $2; from $3 from now on, or from $4 (both NULL: from now on); for $5, because
-- of $6; of project $7 and target $8 (NULL: all).
SELECT report.silence_alerts(
	coalesce($2::timestamptz, clock_timestamp() + $1::interval), $5, $6, $7, $8,
	coalesce($4::timestamptz, clock_timestamp() + $3::interval))
