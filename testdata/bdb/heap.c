/*
 * Makes a heap database with the library of Berkeley DB 5.3, and its contents
 * as text, as it reads them back:
 *
 *	gcc -o heap heap.c -ldb-5.3
 *	heap NAME PAGESIZE ORDER REGIONSIZE CHKSUM RECORDS CASE
 *
 * ORDER is 1234 or 4321, REGIONSIZE 0 for that of the library. CASE: small
 * records of 0 to 60 bytes; long as small, but every tenth record is longer
 * than a page; del as long, two of three records deleted again; change as long,
 * two of three records changed to another length; fixed as long, in a file of
 * limited size; abort as long, but in transactions of five records, every third
 * of which is given up, with a log in the directory NAME.env, which must exist.
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int err, const char *what) {
	if (err != 0) {
		fprintf(stderr, "%s: %s\n", what, db_strerror(err));
		exit(1);
	}
}

/* fill gives record n its bytes, its number in words and a pattern, and
 * returns how many. */
static unsigned fill(char *buf, unsigned n, unsigned len) {
	unsigned i, at = sprintf(buf, "record %u ", n);
	for (i = at; i < len; i++)
		buf[i] = (char)(n * 31 + i * 7 + i / 256);
	return n % 50 == 7 ? 0 : len < at ? at : len;
}

static void print(FILE *f, const unsigned char *b, unsigned n) {
	unsigned i;
	fputc(' ', f);
	for (i = 0; i < n; i++)
		if (b[i] == '\\')
			fputs("\\\\", f);
		else if (b[i] >= ' ' && b[i] <= '~')
			fputc(b[i], f);
		else
			fprintf(f, "\\%02x", b[i]);
	fputc('\n', f);
}

/* dump writes the records: addresses as page, 4 bytes, and slot, 2 bytes,
 * both big-endian. */
static void dump(DB *db, const char *name) {
	FILE *f = fopen(name, "w");
	DBC *c;
	DBT key, data;
	DB_HEAP_RID rid;
	int err;
	fputs("VERSION=3\nformat=print\ntype=heap\nHEADER=END\n", f);
	memset(&key, 0, sizeof key);
	memset(&data, 0, sizeof data);
	key.data = &rid;
	key.ulen = sizeof rid;
	key.flags = DB_DBT_USERMEM;
	check(db->cursor(db, NULL, &c, 0), "cursor");
	while ((err = c->get(c, &key, &data, DB_NEXT)) == 0) {
		unsigned char at[6] = {rid.pgno >> 24, rid.pgno >> 16, rid.pgno >> 8, rid.pgno, rid.indx >> 8, rid.indx};
		print(f, at, sizeof at);
		print(f, data.data, data.size);
	}
	if (err != DB_NOTFOUND)
		check(err, "get");
	fputs("DATA=END\n", f);
	check(c->close(c), "cursor");
	fclose(f);
}

int main(int argc, char **argv) {
	if (argc != 8) {
		fprintf(stderr, "usage: heap NAME PAGESIZE ORDER REGIONSIZE CHKSUM RECORDS CASE\n");
		return 2;
	}
	unsigned ps = atoi(argv[2]), region = atoi(argv[4]), records = atoi(argv[6]), n;
	const char *kind = argv[7];
	char name[1000], *buf = malloc(512 * 1024);
	DB_HEAP_RID *rids = calloc(records + 1, sizeof *rids);
	DB *db;
	DB_ENV *env = NULL;
	DB_TXN *txn = NULL;
	if (strcmp(kind, "abort") == 0) {
		snprintf(name, sizeof name, "%s.env", argv[1]);
		check(db_env_create(&env, 0), "db_env_create");
		check(env->open(env, name, DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_LOCK | DB_PRIVATE, 0), "open");
	}
	check(db_create(&db, env, 0), "db_create");
	check(db->set_pagesize(db, ps), "set_pagesize");
	check(db->set_lorder(db, atoi(argv[3])), "set_lorder");
	if (region != 0)
		check(db->set_heap_regionsize(db, region), "set_heap_regionsize");
	if (atoi(argv[5]) != 0)
		check(db->set_flags(db, DB_CHKSUM), "set_flags");
	if (strcmp(kind, "fixed") == 0)
		check(db->set_heapsize(db, 0, 40 * ps, 0), "set_heapsize");
	snprintf(name, sizeof name, "%s.db", argv[1]);
	check(db->open(db, NULL, name, NULL, DB_HEAP, DB_CREATE | DB_EXCL | (env ? DB_AUTO_COMMIT : 0), 0600), "open");
	for (n = 0; n < records; n++) {
		DBT key, data;
		memset(&key, 0, sizeof key);
		memset(&data, 0, sizeof data);
		unsigned len = n * 13 % 61;
		if (strcmp(kind, "small") != 0 && n % 10 == 3)
			len = ps * (1 + n / 10 % 4) + n * 17 % 300;
		data.data = buf;
		data.size = fill(buf, n, len);
		key.data = &rids[n];
		key.ulen = key.size = sizeof rids[n];
		key.flags = DB_DBT_USERMEM;
		if (env && n % 5 == 0)
			check(env->txn_begin(env, NULL, &txn, 0), "txn_begin");
		int err = db->put(db, txn, &key, &data, DB_APPEND);
		if (err == DB_HEAP_FULL) {
			records = n;
			break;
		}
		check(err, "put");
		if (env && n % 5 == 4 && n % 3 == 0)
			check(txn->abort(txn), "abort");
		else if (env && n % 5 == 4)
			check(txn->commit(txn, 0), "commit");
	}
	for (n = 0; n < records; n++) {
		DBT key, data;
		memset(&key, 0, sizeof key);
		memset(&data, 0, sizeof data);
		key.data = &rids[n];
		key.size = sizeof rids[n];
		data.data = buf;
		if (n % 3 == 0)
			continue;
		if (strcmp(kind, "del") == 0)
			check(db->del(db, NULL, &key, 0), "del");
		if (strcmp(kind, "change") == 0) {
			data.size = fill(buf, n, n * 37 % (3 * ps));
			check(db->put(db, NULL, &key, &data, 0), "put");
		}
	}
	check(db->close(db, 0), "close");
	if (env) {
		check(env->txn_checkpoint(env, 0, 0, DB_FORCE), "txn_checkpoint");
		check(env->close(env, 0), "close");
	}
	if (env)
		snprintf(name, sizeof name, "%s.env/%s.db", argv[1], argv[1]);
	else
		snprintf(name, sizeof name, "%s.db", argv[1]);
	check(db_create(&db, NULL, 0), "db_create");
	check(db->open(db, NULL, name, NULL, DB_HEAP, DB_RDONLY, 0), "open");
	snprintf(name, sizeof name, "%s.dump", argv[1]);
	dump(db, name);
	check(db->close(db, 0), "close");
	return 0;
}
