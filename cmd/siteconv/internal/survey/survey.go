package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/runbook"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/internal/stream"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv/ldif"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/sims"
)

// What a plan shows and weighs at most.
const (
	mostLargest = 5
	mostWeighed = 200_000 // users among whom the pilot users are chosen
	diskBlock   = 4096
	meterEvery  = 1000
)

// reading learns the sizes of a site's inputs.
type reading struct {
	job   *cli.Job
	facts runbook.Facts
	users map[string]int64 // bytes of mail by store id
	box   runbook.Folder   // that is being read

	meter  *cli.Meter
	untold struct{ messages, bytes int64 } // to the meter
}

// Read looks at the inputs that are there. One that is not is no fault:
// a plan comes before the backup.
func Read(ctx context.Context, job *cli.Job, s *site.Site) (runbook.Facts, error) {
	sv := &reading{job: job, users: map[string]int64{}, meter: job.Meter("messages", 0, 0)}
	mail, path := sv.stream, s.InputPath(s.Inputs.Stream)
	if s.NMS() {
		mail, path = func(ctx context.Context, path string) error { return sv.store(ctx, s, path) }, s.InputPath(s.Inputs.Store)
	}
	err := sv.look(path, func() error { return mail(ctx, path) })
	if err != nil {
		return sv.facts, err
	}
	path = s.InputPath(s.Inputs.LDIF)
	return sv.facts, sv.look(path, func() error { return sv.export(ctx, path, s.Directory.DefaultDomain) })
}

// look reads an input, if it is there.
func (sv *reading) look(path string, read func() error) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		sv.job.Note(path + " is not there yet: the runbook has no sizes of it")
		return nil
	}
	return read()
}

// export counts what the directory has, and proposes the pilot users.
func (sv *reading) export(ctx context.Context, path, defaultDomain string) error {
	in, err := sv.job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	r := ldif.NewReader(inputs.Count(in, &sv.facts.ExportBytes), ldif.Options{})
	var pilots []weighed
	domains := map[string]bool{}
	for ctx.Err() == nil {
		rec, err := r.Next()
		switch {
		case err == io.EOF && sv.facts.Entries == 0:
			return fmt.Errorf("%s: no directory export: there is no entry in it", path)
		case err == io.EOF:
			sv.facts.Domains = int64(len(domains))
			sv.facts.Pilot = pilotOf(pilots)
			return nil
		case ldif.IsDamage(err):
			continue
		case err != nil:
			return err
		case rec.Type != ldif.Content && rec.Type != ldif.Add:
			continue
		}
		sv.facts.Entries++
		u := directory.UserOf(rec)
		if u == nil {
			continue
		}
		sv.facts.Users++
		id, domain := u.ID(defaultDomain), u.Domain
		if _, after, ok := strings.Cut(id, "@"); ok {
			domain = after // of a hosted domain of NMS, whose users are below no node of it
		}
		domains[strings.ToLower(domain)] = true
		if bytes, ok := sv.weight(id); ok && len(pilots) < mostWeighed && flags.ListedAs(id) {
			pilots = append(pilots, weighed{id, bytes})
		}
	}
	return ctx.Err()
}

// weight is how much mail a user has. Without any mail to look at, every user
// will do for a pilot.
func (sv *reading) weight(id string) (int64, bool) {
	if len(sv.users) == 0 {
		return 0, true
	}
	bytes, ok := sv.users[id]
	return bytes, ok
}

type weighed struct {
	id    string
	bytes int64
}

// pilotOf are a user with little mail, one with middling and one with much.
func pilotOf(users []weighed) []string {
	slices.SortStableFunc(users, func(a, b weighed) int { return cmp.Compare(a.bytes, b.bytes) })
	var out []string
	for _, of := range []int{5, 50, 95} {
		if len(users) == 0 {
			break
		}
		if id := users[(len(users)-1)*of/100].id; !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// stream counts the messages of a backup stream. A folder of mailbox files or
// Maildirs is counted by its files alone.
func (sv *reading) stream(ctx context.Context, path string) error {
	if st, err := os.Stat(path); err != nil {
		return err
	} else if st.IsDir() {
		if err := sv.job.SourceTree(path); err != nil {
			return err
		}
		return sv.tree(path)
	}
	in, err := stream.Open(sv.job, path)
	if err != nil {
		return err
	}
	defer in.Close()
	sv.facts.SourceBytes = in.Size
	r := sims.NewReader(stream.Source(in))
	for ctx.Err() == nil {
		m, err := r.Next()
		switch {
		case err == io.EOF:
			sv.nextBox("", "")
			return nil
		case sims.ErrorOf(err) != nil:
			sv.facts.NoEnd = sv.facts.NoEnd || sims.ErrorOf(err).Class == sims.NoEnd
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", path, err)
		}
		sv.member(m)
	}
	return ctx.Err()
}

func (sv *reading) member(m *sims.Member) {
	if m.Mailbox != "" && (m.User != sv.box.User || m.Mailbox != sv.box.Name) {
		sv.nextBox(m.User, m.Mailbox)
	}
	switch m.Kind {
	case sims.Link:
		sv.facts.Links++
		sv.facts.Messages++
		sv.box.Messages++
	case sims.Message:
		sv.message(m.User, m.Size)
	}
}

// message counts one message of the current mailbox.
func (sv *reading) message(user string, size int64) {
	sv.facts.Messages++
	sv.facts.MailBytes += size
	sv.facts.Blocks += (size + diskBlock - 1) / diskBlock * diskBlock
	sv.box.Messages++
	sv.box.Bytes += size
	sv.progress(size)
	if _, known := sv.users[user]; known || len(sv.users) < mostWeighed {
		sv.users[user] += size
	}
}

// progress tells the meter now and then.
func (sv *reading) progress(size int64) {
	sv.untold.messages++
	sv.untold.bytes += size
	if sv.untold.messages == meterEvery {
		sv.meter.Add(sv.untold.messages, sv.untold.bytes)
		sv.untold.messages, sv.untold.bytes = 0, 0
	}
}

// nextBox puts the mailbox that ends among the largest, if it is one of them.
func (sv *reading) nextBox(user, name string) {
	if sv.box.Name != "" {
		sv.facts.Mailboxes++
		list := append(sv.facts.Largest, sv.box)
		slices.SortStableFunc(list, func(a, b runbook.Folder) int { return cmp.Compare(b.Bytes, a.Bytes) })
		sv.facts.Largest = list[:min(len(list), mostLargest)]
	}
	sv.box = runbook.Folder{User: user, Name: name}
}

// tree counts the bytes of a folder.
func (sv *reading) tree(path string) error {
	return filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sv.facts.SourceBytes += info.Size()
		}
		return err
	})
}

// store counts the messages of an NMS store, partition by partition, those that
// lie elsewhere too.
func (sv *reading) store(ctx context.Context, of *site.Site, path string) error {
	apart, err := inputs.Elsewhere(of, path)
	if err != nil {
		return err
	}
	if err := sv.job.SourceTree(path); err != nil {
		return err
	}
	apart = slices.DeleteFunc(apart, func(p nms.Partition) bool {
		there := nms.IsPartition(p.Path)
		if !there {
			sv.job.Note(p.Path + " is not there yet: the runbook has no sizes of it")
		}
		return !there
	})
	s, err := nms.Open(path, apart...)
	if err != nil {
		return err
	}
	for _, p := range s.Partitions {
		if err := sv.job.KeepsStill(p.Path); err != nil {
			return err
		}
		if err := sv.partition(ctx, filepath.Join(p.Path, nms.UserRoot)); err != nil {
			return err
		}
	}
	return nil
}

func (sv *reading) partition(ctx context.Context, root string) error {
	// The last slash makes the walk begin behind a link.
	err := filepath.WalkDir(root+"/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			sv.job.Warning("unreadable", path, err.Error())
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && strings.HasPrefix(d.Name(), "="):
			if rel, err := filepath.Rel(root, path); err == nil && rel != "." {
				sv.folder(rel, isMailbox(path))
			}
		case d.Type().IsRegular() && strings.HasSuffix(d.Name(), ".msg"):
			if info, err := d.Info(); err == nil {
				sv.message(sv.box.User, info.Size())
			}
		}
		return nil
	})
	sv.nextBox("", "")
	return err
}

// isMailbox tells whether a directory of a user is a mailbox, and not only one
// that mailboxes lie below: it has an index, or directories of messages.
func isMailbox(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == ims.IndexName && e.Type().IsRegular() || e.IsDir() && ims.IsMessageDir(e.Name())
	})
}

// folder begins the mailbox of a directory below =user: two hash directories,
// the user, and the folders.
func (sv *reading) folder(rel string, mailbox bool) {
	parts := strings.Split(rel, string(filepath.Separator))
	if len(parts) < 3 {
		return
	}
	for i := 2; i < len(parts); i++ {
		parts[i] = strings.TrimPrefix(parts[i], "=")
		if name, err := ims.UnescapeName(parts[i]); err == nil {
			parts[i] = name
		}
	}
	name := "INBOX"
	switch {
	case !mailbox:
		name = ""
	case len(parts) > 3:
		name = strings.Join(parts[3:], "/")
	}
	sv.nextBox(parts[2], name)
}
