package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

// mailLook is what a stream, a tree of mail or a store holds.
type mailLook struct {
	what                       string
	ids                        *directory.IDSet
	mailboxes, messages, bytes int64
	damaged                    int64
	misplaced                  int    // users of a store who lie elsewhere than hashdir says
	host                       string // that it was made on, or ""
	made                       string // when, or by what
	owner                      string // of a store: the user whom it belongs to, or ""
	partitions                 []string
	nms                        bool // an archive of a store of NMS, not a stream
	profile                    bool // a stream says that it is one
	single                     bool // of one user, by its form
}

// isStream tells a stream from another archive.
func (m *mailLook) isStream() bool {
	return m.profile || !m.nms && m.ids.Len() > 0 && (m.messages > 0 || m.damaged == 0)
}

func (m *mailLook) text() string {
	parts := []string{cli.Counted(int64(m.ids.Len()), "user", "users")}
	if m.mailboxes > 0 {
		parts = append(parts, cli.Counted(m.mailboxes, "mailbox", "mailboxes"))
	}
	if m.messages > 0 {
		parts = append(parts, cli.Counted(m.messages, "message", "messages"))
	}
	parts = append(parts, sizeText(m.bytes))
	if len(m.partitions) > 0 {
		parts = append(parts, cli.Counted(int64(len(m.partitions)), "partition", "partitions")+" ("+few(m.partitions)+")")
	}
	if m.damaged > 0 {
		parts = append(parts, cli.Counted(m.damaged, "member damaged or refused", "members damaged or refused"))
	}
	text := strings.Join(parts, ", ")
	if m.made != "" {
		text += "; " + m.made
	}
	return text
}

// lookMail reads what a candidate holds.
func lookMail(ctx context.Context, job *cli.Job, c *candidate) error {
	c.mail = &mailLook{ids: directory.NewIDSet()}
	if c.kind == streamKind {
		return c.mail.stream(ctx, job, c.path)
	}
	if err := job.Reads(c.path); err != nil {
		return err
	}
	switch c.kind {
	case nmsKind:
		return c.mail.store(ctx, job, c.path)
	}
	return c.mail.tree(ctx, job, c)
}

// stream reads a stream to its end.
func (m *mailLook) stream(ctx context.Context, job *cli.Job, path string) error {
	m.what = "a SIMS backup stream"
	in, err := job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	r := sims.NewReader(stream.Source(in))
	if h, err := r.Header(); err == nil {
		m.header(h)
	}
	meter := job.Meter("messages", 0, 0)
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		member, err := r.Next()
		var damage *sims.Error
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &damage):
			m.damage(damage)
		case err != nil:
			return err
		default:
			m.member(member)
			if member.Kind == sims.Message || member.Kind == sims.Link {
				meter.Add(1, member.Size)
			}
		}
	}
}

func (m *mailLook) damage(e *sims.Error) {
	if e.Severity() > 1 {
		m.damaged++
	}
	m.nms = m.nms || strings.Contains(e.Name, "partition/") && strings.Contains(e.Name, "/=user")
}

func (m *mailLook) member(member *sims.Member) {
	if ims.CheckUserID(member.User) == nil {
		m.ids.Add(member.User)
	}
	switch member.Kind {
	case sims.Mailbox:
		m.mailboxes++
	case sims.Message:
		m.messages++
		m.bytes += member.Size
	case sims.Link:
		m.messages++
	}
}

// header takes what a stream says of itself.
func (m *mailLook) header(h sims.Header) {
	m.profile = h.Profile != ""
	if !m.profile {
		m.what = "a tar archive, read as a backup stream"
	}
	if checkHost(h.Host) == nil && h.Host != "" {
		m.host = h.Host
	}
	var said []string
	if h.Product != "" {
		said = append(said, "of "+shown(h.Product))
	}
	if m.host != "" {
		said = append(said, "on "+m.host)
	}
	if h.HasDate {
		said = append(said, time.Unix(h.Date, 0).UTC().Format("2006-01-02"))
	}
	if len(said) > 0 {
		m.made = "made " + strings.Join(said, ", ")
	}
}

// store counts the files of a store of NMS.
func (m *mailLook) store(ctx context.Context, job *cli.Job, path string) error {
	m.what = "a store of NMS"
	store, err := nms.Open(path)
	if err == nil {
		err = store.Readable()
	}
	if err != nil {
		return err
	}
	for _, p := range store.Partitions {
		if err := job.KeepsStill(p.Path); err != nil {
			return err
		}
		m.partitions = append(m.partitions, p.Name)
		// This takes users from wherever they lie in a partition, AddStore from
		// where hashdir says.
		if err := m.ids.AddPartition(p.Path); err != nil {
			return err
		}
	}
	m.owner = ownerOf(path)
	placed := directory.NewIDSet()
	if err := placed.AddStore(path); err != nil {
		return err
	}
	m.misplaced = max(0, m.ids.Len()-placed.Len())
	roots := []string{path}
	for _, p := range store.Partitions {
		for _, path := range []string{p.Path, filepath.Join(p.Path, nms.UserRoot)} {
			if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSymlink {
				roots = append(roots, path)
			}
		}
	}
	for _, root := range roots {
		if err := m.walk(ctx, job, root, nms.IsMessage); err != nil {
			return err
		}
	}
	return nil
}

// tree counts what a folder of mailbox files or Maildirs holds.
func (m *mailLook) tree(ctx context.Context, job *cli.Job, c *candidate) error {
	src, err := source.Open(c.path, source.Options{})
	if err != nil {
		return err
	}
	defer src.Close() // opened for reading
	maildirs := src.Kind() == source.Maildir
	m.single = maildirs && holdsMaildir(c.path)
	switch {
	case c.kind == mailboxKind:
		m.what = "a mailbox file"
	case maildirs:
		m.what = "a folder of Maildirs"
	default:
		m.what = "a folder of mailbox files"
	}
	for _, id := range src.Users() {
		m.ids.Add(id)
	}
	return m.walk(ctx, job, c.path, func(name string) bool {
		dir := filepath.Base(filepath.Dir(name))
		return maildirs && (dir == "cur" || dir == "new")
	})
}

// holdsMaildir tells a Maildir, or a home with one in it, from a folder of
// users.
func holdsMaildir(path string) bool {
	for _, home := range []string{"", "Maildir", ".maildir", ".Maildir", "mail"} {
		if exists(path, home, "cur") || exists(path, home, "new") {
			return true
		}
	}
	return false
}

// walk sums the sizes of files and counts those that are messages. What cannot
// be read is for the conversion to tell.
func (m *mailLook) walk(ctx context.Context, job *cli.Job, root string, isMessage func(name string) bool) error {
	meter := job.Meter("files", 0, 0)
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real // a link to a folder is not walked
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		m.bytes += info.Size()
		if isMessage(path) {
			m.messages++
		}
		meter.Add(1, info.Size())
		return nil
	})
}

// ownerOf names the user of a folder, "" for root, for one that this machine
// does not know, and for whoever looks: a copy that he has made is his.
func ownerOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid() {
		return ""
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(st.Uid), 10))
	if err != nil {
		return ""
	}
	return u.Username
}

// oldInstance is the server root and the instance of a store at its old place,
// ROOT/msg-INSTANCE/store; "" where it lies elsewhere. Within the site's folder
// lies a copy, whose root is not the old one.
func oldInstance(dir, path string) (root, instance string) {
	full, base := realPath(path), realPath(dir)
	parts := strings.Split(full, "/")
	n := len(parts)
	if n < 4 || parts[n-1] != "store" {
		return "", ""
	}
	instance, ok := strings.CutPrefix(parts[n-2], "msg-")
	if !ok || checkInstance(instance) != nil || slices.Contains(parts[1:n-2], "") {
		return "", ""
	}
	root = strings.Join(parts[:n-2], "/")
	if rel, err := filepath.Rel(base, full); err != nil || filepath.IsLocal(rel) {
		root = ""
	}
	return root, instance
}

// realPath is the whole path without links, as far as that can be told.
func realPath(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

// describe names what mail is, for a comparison with others.
func (c *candidate) describe() string {
	f := c.finding()
	return fmt.Sprintf("%s (%s: %s; changed %s)", shown(c.name), f.What, f.Text, c.changed.UTC().Format(time.DateOnly))
}
