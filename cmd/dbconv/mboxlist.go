package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/dbconv"
	"imsconv/storeconv/ims"
)

const mboxlistDoc = `
Prints the mailboxes of a store as mboxutil -l -x does, from its folder.db (of a
Netscape Messaging Server store, from data.db2): a title line, then a line a
mailbox in the order of the database, fields apart by tabs:

    msgs       number of messages
    Kbytes     bytes of all messages, rounded up to KB
    last msg   date of the last message, YYYY/MM/DD HH:MM UTC
    partition  name of the partition
    mailbox    user/ID/INBOX or user/ID/FOLDER
    path       directory of the mailbox, under STORE
    acl        identifiers and rights in turn, apart by blanks

The first three come from the mailbox's store.idx where it is one that
storeconv wrote, else they are "-". STORE may also be its mboxlist directory, or a
database file: then there is no store.idx.

A record that is in no known form is a problem, and "-" stands for what it says
(with -s only where the key is not that of a mailbox). A database of which no
record is a mailbox's, such as quota.db, is refused.
` + sourceDoc

func mboxlistVerb() cli.Verb {
	return cli.Verb{
		Name:    "mboxlist",
		Prints:  cli.Always,
		Args:    "STORE",
		Summary: "list the mailboxes of folder.db",
		See:     []string{"dbconv-folder(1)", "storeconv-inspect(1)", "ims-store(5)", "store.idx(5)"},
		Doc:     mboxlistDoc,
		Files: `
  STORE/mboxlist/folder.db  the mailboxes; of an NMS store data.db2
  STORE/partition/          the mailboxes' store.idx
`,
		Example: "$ dbconv mboxlist -s store\nuser/anna/INBOX\nuser/anna/Mail",
		Exit3:   "done, but parts of the database, or records, could not be read; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var m mboxlistFlags
			fs.BoolVarP(&m.short, "short", "s", false, "names of mailboxes only")
			fs.BoolP("list", "l", true, "list, as mboxutil has it")
			fs.BoolP("extended", "x", true, "path and access control list too, as mboxutil has it")
			return reading(m.run)
		},
	}
}

type mboxlistFlags struct{ short bool }

func (m *mboxlistFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("one argument is wanted: the store")
	}
	path, root, err := listFile(args[0])
	if err != nil {
		return err
	}
	src, err := openSource(job, path, "")
	if err != nil {
		return err
	}
	defer src.Close()
	l := lister{w: bufio.NewWriter(job.Stdout), short: m.short, job: job}
	if root != "" {
		dir, err := os.Open(root)
		if err != nil {
			return err
		}
		defer dir.Close()
		l.store = ims.NewReader(dir)
	}
	if !m.short {
		fmt.Fprintln(l.w, "msgs\tKbytes\tlast msg\tpartition\tmailbox\tpath\tacl")
	}
	err = dbconv.Mailboxes(ctx, src, dbconv.Common{Log: job}, l.line)
	if err != nil {
		return named(path, err)
	}
	job.Count("mailboxes", l.n)
	return l.w.Flush()
}

// listFile finds the database of a store; root is "" for a file.
func listFile(store string) (path, root string, err error) {
	if store == "-" {
		return store, "", nil
	}
	st, err := os.Stat(store)
	if err != nil {
		return "", "", err
	}
	if !st.IsDir() {
		return store, "", nil
	}
	for _, at := range []struct{ dir, root string }{{filepath.Join(store, "mboxlist"), store}, {store, filepath.Dir(filepath.Clean(store))}} {
		for _, name := range []string{"folder.db", "data.db2"} {
			path = filepath.Join(at.dir, name)
			if _, err = os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				return path, at.root, err
			}
		}
	}
	return "", "", fmt.Errorf("%s: no mboxlist/folder.db and no mboxlist/data.db2", store)
}

// lister prints mailboxes.
type lister struct {
	w     *bufio.Writer
	store *ims.Reader // nil: no store
	short bool
	job   *cli.Job
	n     int64
}

func (l *lister) line(m dbconv.Mailbox) error {
	l.n++
	name := m.Key
	if m.User != "" {
		name = "user/" + m.User + "/" + m.Name
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		name = strconv.Quote(name)
	}
	if m.User == "" {
		l.job.Problem("not-understood", name, "the key is not that of a mailbox, as user/anna/Sent is")
	}
	if l.short {
		_, err := fmt.Fprintln(l.w, name)
		return err
	}
	if m.Problem != nil {
		if m.User != "" {
			l.job.Problem("not-understood", name, m.Problem.Error())
		}
		_, err := fmt.Fprintf(l.w, "-\t-\t-\t-\t%s\t-\t-\n", name)
		return err
	}
	path := "-"
	if placed(m) {
		path = ims.MailboxDir(m.Folder.Partition, m.User, m.Name)
	}
	acl := make([]string, 0, 2*len(m.Folder.ACL))
	for _, e := range m.Folder.ACL {
		acl = append(acl, e.Identifier, e.Rights)
	}
	_, err := fmt.Fprintf(l.w, "%s\t%s\t%s\t%s\t%s\n", l.figures(m), m.Folder.Partition, name, path, strings.Join(acl, " "))
	return err
}

// placed says whether the record names a mailbox that a store can hold.
func placed(m dbconv.Mailbox) bool {
	return m.User != "" && ims.CheckUserID(m.User) == nil && ims.CheckMailbox(m.Name) == nil && ims.CheckPartition(m.Folder.Partition) == nil
}

// figures are messages, KB and last message of a mailbox.
func (l *lister) figures(m dbconv.Mailbox) string {
	const unknown = "-\t-\t-"
	if l.store == nil || !placed(m) {
		return unknown
	}
	box, err := l.store.Mailbox(m.Folder.Partition, m.User, m.Name)
	if err != nil {
		return unknown
	}
	defer box.Close()
	idx, err := box.Index()
	if err != nil {
		return unknown
	}
	defer idx.Close()
	r, err := ims.NewIndexReader(idx)
	if err != nil {
		return unknown
	}
	h := r.Header
	last := "-"
	if t := string(ims.AppendTime(nil, h.LastAppend)); len(t) == 14 {
		last = t[:4] + "/" + t[4:6] + "/" + t[6:8] + " " + t[8:10] + ":" + t[10:12]
	}
	return strconv.FormatInt(h.Exists, 10) + "\t" + strconv.FormatInt((h.QuotaUsed+1023)/1024, 10) + "\t" + last
}
