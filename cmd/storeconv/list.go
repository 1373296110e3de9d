package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

const listDoc = `
Prints the table of contents of a SIMS backup stream on standard output, one
member a line in stream order. Nothing is written anywhere else. The stream
may be a file or, as -, standard input, plain or compressed with LZ4 or
gzip.

A line has five columns separated by tabs: the name (users and mailboxes end
in a slash), the size in bytes, the date in UTC (of a message the receive
date), the IMAP flags, and, of a later copy, the name of its first copy.
With --format json a line is one object:

    {"name":"joe/INBOX/1","type":"message","offset":3072,"size":410,
     "date":957764210,"flags":["\\Seen"]}

type is user, mailbox, message or link; offset is that of the member's first
header in the uncompressed stream; date is in seconds since 1970. Users have
"quota" (bytes, -1 none, -2 the server's default), mailboxes "uidvalidity",
"uidnext", "madeuids", "subscribed", "keywords" and "acl", links "link".

With --header only the stream's own header is printed: profile, product, host and
date.

-f may also name a folder of mailbox files, a mailbox file or a folder of
Maildirs, as with restore: what is listed is the stream that would be made of it.

A member that cannot be read is a problem, named with its offset, and the
listing goes on behind it. So is what the profile forbids, which is listed
where there is something to list: names of users and mailboxes that no store
can have, a UID that its mailbox has already, links to themselves, values
that cannot be. Of a very large stream only the UIDs of the latest mailboxes
are remembered. Control characters are printed as \xNN, in JSON as \u00NN.
`

func listVerb() cli.Verb {
	return cli.Verb{
		Name:    "list",
		Prints:  cli.Always,
		Args:    "-f STREAM",
		Summary: "print the table of contents of a backup stream",
		See:     []string{"storeconv-restore(1)", "tar(1)", "sims-tar(5)"},
		Doc:     listDoc,
		Example: "$ storeconv list -f backup.sims\n$ lz4 -dc backup.sims.lz4 | storeconv list -f - --format json | jq .name",
		Exit3:   "some of the stream could not be read; the rest is listed",
		Lost:    "done, damage found",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o listOptions
			fs.StringVarP(&o.stream, "file", "f", "", "the `STREAM`, or - for standard input")
			fs.BoolVar(&o.header, "header", false, "print the header of the stream only")
			o.format.Add(fs, "format", "", "`FORM` of the output: text or json", "text", "text", "json")
			o.tree.Add(fs)
			return o.run
		},
	}
}

type listOptions struct {
	stream string
	format flags.Choice
	header bool
	tree   flags.Tree
}

func (o *listOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	switch {
	case len(args) == 1 && o.stream == "":
		o.stream = args[0]
	case len(args) > 0:
		return cli.Usagef("unexpected argument %q", args[0])
	case o.stream == "":
		return cli.Usagef("which stream? (-f)")
	}
	if err := o.tree.Check(); err != nil {
		return err
	}
	in, err := o.open(job)
	if err != nil {
		return err
	}
	defer in.close()
	out := bufio.NewWriterSize(job.Stdout, 64<<10)
	counts, err := o.list(ctx, job, out, in)
	if flushErr := out.Flush(); flushErr != nil {
		return flushErr
	}
	if !o.header {
		counts.tell(job)
	}
	if counts.noEnd {
		noteNoEnd(job, in.name)
	}
	return err
}

// listed is what is listed: a stream or a tree.
type listed struct {
	restore.Source
	name  string
	where func(offset int64, name string) string
	close func() error
}

// open opens what is listed.
func (o *listOptions) open(job *cli.Job) (*listed, error) {
	if !o.tree.Is(o.stream) {
		in, err := stream.Open(job, o.stream)
		if err != nil {
			return nil, err
		}
		where := func(offset int64, name string) string {
			return in.Name + ": " + (&sims.Error{Offset: offset, Name: name}).Position()
		}
		return &listed{sims.NewReader(stream.Source(in)), in.Name, where, in.Close}, nil
	}
	tree, err := stream.OpenTree(job, o.stream, o.tree.Options())
	if err != nil {
		return nil, err
	}
	return &listed{tree, o.stream, tree.Where, tree.Close}, nil
}

// list prints the header, or every member.
func (o *listOptions) list(ctx context.Context, job *cli.Job, out io.Writer, in *listed) (counts streamCounts, err error) {
	header, err := in.Header()
	if err != nil {
		return counts, fmt.Errorf("%s: %w", in.name, err)
	}
	if o.header {
		return counts, o.printHeader(out, header)
	}
	var check profileCheck
	for {
		if ctx.Err() != nil {
			return counts, ctx.Err()
		}
		m, err := in.Next()
		if err == io.EOF {
			return counts, ctx.Err()
		}
		if p := new(sims.Error); errors.As(err, &p) {
			n := storeconv.NoteOf(p)
			n.Where = in.where(p.Offset, p.Name)
			n.Tell(job)
			counts.noEnd = counts.noEnd || p.Class == sims.NoEnd
			continue
		}
		if err != nil {
			return counts, fmt.Errorf("%s: %w", in.name, err)
		}
		if kind, text := check.fault(m); kind != "" {
			n := storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: in.where(m.Offset, m.Name), Text: text}
			n.Tell(job)
		}
		counts.add(m)
		if err := o.member(out, m); err != nil {
			return counts, err
		}
	}
}

// streamCounts counts what a stream holds.
type streamCounts struct {
	users, mailboxes int64 // announced by a directory
	messages, links  int64
	bytes            int64 // of the messages
	noEnd            bool  // it has no end marker
}

func (c *streamCounts) add(m *sims.Member) {
	switch m.Kind {
	case sims.User:
		c.users++
	case sims.Mailbox:
		c.mailboxes++
	case sims.Message:
		c.messages++
		c.bytes += m.Size
	case sims.Link:
		c.links++
	}
}

func (c *streamCounts) tell(job *cli.Job) {
	for _, n := range []cli.Count{
		{Name: "users", N: c.users}, {Name: "mailboxes", N: c.mailboxes}, {Name: "messages", N: c.messages},
		{Name: "links", N: c.links}, {Name: "bytes", N: c.bytes},
	} {
		job.Count(n.Name, n.N)
	}
}

func (o *listOptions) printHeader(w io.Writer, h sims.Header) error {
	if o.format.Value == "json" {
		return writeJSON(w, struct {
			Type    string `json:"type"`
			Profile string `json:"profile"`
			Product string `json:"product"`
			Host    string `json:"host"`
			Date    *int64 `json:"date"`
		}{"header", h.Profile, h.Product, h.Host, dateOf(h)})
	}
	if h.Profile == "" {
		_, err := fmt.Fprintln(w, "a plain tar, without a header of its own")
		return err
	}
	date := ""
	if h.HasDate {
		date = fmt.Sprintf("%d (%s)", h.Date, utc(h.Date))
	}
	_, err := fmt.Fprintf(w, "Profile: %s\nProduct: %s\nHost: %s\nDate: %s\n", h.Profile, plainText(h.Product), plainText(h.Host), date)
	for _, a := range h.Unknown {
		if err == nil {
			_, err = fmt.Fprintf(w, "%s: %s\n", plainText(a.Key), plainText(a.Value))
		}
	}
	return err
}

// dateOf is the date of a header, nil when it is not said.
func dateOf(h sims.Header) *int64 {
	if !h.HasDate {
		return nil
	}
	return &h.Date
}

func utc(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05") }

// memberLine is the JSON form of a member.
type memberLine struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Offset      int64    `json:"offset"`
	Size        *int64   `json:"size,omitempty"`
	Date        int64    `json:"date"`
	Flags       []string `json:"flags,omitempty"`
	Link        string   `json:"link,omitempty"`
	Quota       *int64   `json:"quota,omitempty"`
	UIDValidity uint32   `json:"uidvalidity,omitempty"`
	UIDNext     uint32   `json:"uidnext,omitempty"`
	MadeUIDs    uint32   `json:"madeuids,omitempty"`
	Subscribed  *int8    `json:"subscribed,omitempty"`
	Keywords    string   `json:"keywords,omitempty"`
	ACL         string   `json:"acl,omitempty"`
}

func (o *listOptions) member(w io.Writer, m *sims.Member) error {
	if o.format.Value == "json" {
		return writeJSON(w, lineOf(m))
	}
	name, size := m.Name, "-"
	switch m.Kind {
	case sims.User, sims.Mailbox:
		name += "/"
	case sims.Message:
		size = fmt.Sprint(m.Size)
	}
	flags := strings.Join(strings.Fields(m.Flags), " ")
	line := strings.Join([]string{plainText(name), size, utc(m.Time), plainText(flags), plainText(m.Link)}, "\t")
	_, err := fmt.Fprintln(w, strings.TrimRight(line, "\t"))
	return err
}

func lineOf(m *sims.Member) memberLine {
	line := memberLine{Name: m.Name, Offset: m.Offset, Date: m.Time}
	switch m.Kind {
	case sims.User:
		line.Type = "user"
		if m.HasQuota {
			line.Quota = &m.Quota
		}
	case sims.Mailbox:
		line.Type, line.UIDValidity, line.UIDNext, line.MadeUIDs = "mailbox", m.UIDValidity, m.UIDNext, m.MadeUIDs
		line.Keywords, line.ACL = m.Keywords, m.ACL
		if m.Subscribed >= 0 {
			line.Subscribed = &m.Subscribed
		}
	case sims.Message:
		line.Type, line.Size, line.Flags = "message", &m.Size, strings.Fields(m.Flags)
	case sims.Link:
		line.Type, line.Link, line.Flags = "link", m.Link, strings.Fields(m.Flags)
	}
	return line
}

func writeJSON(w io.Writer, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, plainJSON(b.String()))
	return err
}
