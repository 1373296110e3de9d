package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify/trees"
)

// twice reads the tree with the verifier's own reader, which is to see the same
// in it: what dump tells of users, mailboxes and messages.
func twice(t testing.TB, path string, opt Options) []string {
	t.Helper()
	var out bytes.Buffer
	own := trees.Options{User: opt.User, Path: opt.Path, Layout: opt.Layout, Escape: opt.Escape, Quoting: opt.Quoting}
	switch opt.Kind {
	case Mbox:
		own.Kind = trees.Mbox
	case Maildir:
		own.Kind = trees.Maildir
	}
	if err := trees.Write(context.Background(), &out, path, own); err != nil {
		return []string{"error: " + err.Error()}
	}
	var lines []string
	r := sims.NewReader(&out)
	for {
		m, err := r.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		line := seen(m)
		if m.Kind == sims.Message {
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %q", body)
		}
		lines = append(lines, line)
	}
}

// once is what a Source sees, in the same words.
func once(t testing.TB, path string, opt Options) []string {
	t.Helper()
	s, err := Open(path, opt)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	defer s.Close()
	var lines []string
	for {
		m, err := s.Next()
		if err == io.EOF {
			return lines
		}
		if err != nil {
			continue // told
		}
		line := seen(m)
		if m.Kind == sims.Message {
			body, err := io.ReadAll(s)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %q", body)
		}
		lines = append(lines, line)
	}
}

// seen is what counts of a member.
func seen(m *sims.Member) string {
	flags := strings.Fields(m.Flags)
	slices.Sort(flags)
	switch m.Kind {
	case sims.User:
		return fmt.Sprintf("user %s %v %d", m.Name, m.HasQuota, m.Quota)
	case sims.Mailbox:
		return fmt.Sprintf("box %s %d %d %d %q %q", m.Name, m.UIDValidity, m.UIDNext, m.Subscribed, m.Keywords, m.ACL)
	case sims.Link:
		return fmt.Sprintf("link %s %d %q to %s", m.Name, m.Time, slices.Compact(flags), m.Link)
	}
	return fmt.Sprintf("msg %s %d %q", m.Name, m.Time, slices.Compact(flags))
}

// bothSee compares the two.
func bothSee(t testing.TB, name, path string, opt Options) {
	t.Helper()
	a, b := once(t, path, opt), twice(t, path, opt)
	if len(a) > 0 && strings.HasPrefix(a[0], "error: ") && len(b) > 0 && strings.HasPrefix(b[0], "error: ") {
		return
	}
	if !slices.Equal(a, b) {
		t.Errorf("%s: the verifier sees\n%s\nthis\n%s", name, strings.Join(b, "\n"), strings.Join(a, "\n"))
	}
}
