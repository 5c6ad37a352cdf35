/* The name of this process in the consumer group. Kafka keeps the partitions of a member with a lasting name while the
 * process restarts, so a daemon that was killed reads again as soon as it is back. Two members with one name would push
 * each other out: a name that a process holds on this machine is not given to another. */
#ifndef KPID_ADAPTERS_KAFKA_MEMBER_ID_H
#define KPID_ADAPTERS_KAFKA_MEMBER_ID_H

enum member_id_status {
	MEMBER_ID_CLAIMED,   /* this process holds the name until it ends, however it ends */
	MEMBER_ID_TAKEN,     /* another process of this user holds it */
	MEMBER_ID_UNGUARDED, /* nobody can hold it here: another user has taken its place, or the kernel refuses */
};

/* Claims a name in a group for as long as the process lives. cluster: how its brokers are configured; one group name
 * may be in use on two clusters. */
enum member_id_status member_id_claim(const char *cluster, const char *group, const char *name);

/* Claims `base`, or base-2, base-3 and so on if others hold those. The caller frees the name; NULL: none is free. */
char *member_id_claim_numbered(const char *cluster, const char *group, const char *base);

#endif
