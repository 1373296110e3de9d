package shards

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
)

// PlanFile is the name of the plan in its folder.
const PlanFile = "plan.json"

// PlanVersion is the form of the plans that this package writes and reads.
const PlanVersion = 1

// MostParts is how many parts a plan has at most.
const MostParts = 9999

// Links says what a plan does about users who share messages.
type Links string

// The ways.
const (
	LinksPlan Links = "plan" // they are in one part
	LinksCopy Links = "copy" // they are where sizes want them: what is shared is copied
)

// Plan is what plan.json says. All sums are of the source as it was read.
type Plan struct {
	Version  int      `json:"version"`
	Source   Source   `json:"source"`
	Names    *Names   `json:"names,omitempty"` // nil: all users, named as the source has them
	Links    Links    `json:"links"`
	Users    int64    `json:"users"`
	Messages int64    `json:"messages"`
	Bytes    int64    `json:"bytes"`
	Shards   []Part   `json:"shards"` // in the order of their numbers, from 1
	Crossing Crossing `json:"crossing"`

	id string
}

// Source is what a plan was made of.
type Source struct {
	Kind     Kind   `json:"kind"`
	Path     string `json:"path"`     // as it was given; only told
	Identity string `json:"identity"` // stands for the content; "": nothing does
}

// Kind is what a source is.
type Kind string

// The kinds.
const (
	Stream  Kind = "stream"  // backup streams
	Store   Kind = "store"   // an iMS store
	NMS     Kind = "nms"     // a store of NMS
	Mbox    Kind = "mbox"    // mailbox files
	Maildir Kind = "maildir" // Maildirs, such as an export
	Sizes   Kind = "sizes"   // a list of sizes, of whatever source
)

// Part is one part of a plan.
type Part struct {
	File     string `json:"file"`     // the list of its users, in the folder of the plan
	SHA256   string `json:"sha256"`   // of that file, in hexadecimal digits
	Users    int64  `json:"users"`    // lines of it
	Messages int64  `json:"messages"` // each reference counts
	Bytes    int64  `json:"bytes"`    // of the messages, each reference at full size
}

// Crossing counts the references to a message of which another part has the
// first.
type Crossing struct {
	Links int64 `json:"links"`
	Bytes int64 `json:"bytes"`
}

// ErrOtherSource: a plan was made of another source than the one it is used
// with.
var ErrOtherSource = errors.New("the plan is one of another source")

// mostPlan bounds what is read of plan.json, in bytes.
const mostPlan = 16 << 20

// openRegular opens a file of a plan, by a symbolic link too, as volumes of
// engines have them. It waits for no pipe.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", path, ims.ErrNotRegular)
	}
	if err != nil {
		f.Close() // opened for reading
		return nil, err
	}
	return f, nil
}

// ReadPlan reads the plan in the folder dir, but not its lists.
func ReadPlan(dir string) (*Plan, error) {
	f, err := openRegular(filepath.Join(dir, PlanFile))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	defer f.Close() // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, mostPlan+1))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	p, err := ParsePlan(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, PlanFile), err)
	}
	return p, nil
}

// ParsePlan reads what is in a plan.json.
func ParsePlan(text []byte) (*Plan, error) {
	if len(text) > mostPlan {
		return nil, fmt.Errorf("over %d bytes: no plan", mostPlan)
	}
	var form struct{ Version int }
	if err := json.Unmarshal(text, &form); err != nil {
		return nil, fmt.Errorf("no plan: %w", err)
	}
	if form.Version != PlanVersion {
		return nil, fmt.Errorf("a plan of form %d, where %d is known", form.Version, PlanVersion)
	}
	p := new(Plan)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("no plan: %w", err)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	p.id = hex.EncodeToString(sum[:16])
	return p, nil
}

// ID stands for the content of a plan that was read, lists included.
func (p *Plan) ID() string { return p.id }

// CheckSource reports that the plan was made of another source. Of a list of
// sizes nobody knows.
func (p *Plan) CheckSource(s Source) error {
	if p.Source.Identity == "" || p.Source.Identity == s.Identity && p.Source.Kind == s.Kind {
		return nil
	}
	return fmt.Errorf("%s: %w: it was made of the %s %s, or that has changed since", s.Path, ErrOtherSource, p.Source.Kind, p.Source.Path)
}

// Format is the text of plan.json.
func (p *Plan) Format() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(p)
	return b.Bytes(), err
}

// check refuses what no plan can say.
func (p *Plan) check() error {
	if len(p.Shards) < 1 || len(p.Shards) > MostParts {
		return fmt.Errorf("a plan of %d parts, where 1 to %d can be", len(p.Shards), MostParts)
	}
	if p.Links != LinksPlan && p.Links != LinksCopy {
		return fmt.Errorf("links are %.20q, neither plan nor copy", p.Links)
	}
	names := make(map[string]bool)
	for i, part := range p.Shards {
		name := part.File
		if name == "" || name == PlanFile || strings.ContainsAny(name, "/\x00") || !filepath.IsLocal(name) || names[name] {
			return fmt.Errorf("part %d: %.100q is no name of a list of its own", i+1, name)
		}
		names[name] = true
		if sum, err := hex.DecodeString(part.SHA256); err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("part %d: %.100q is no SHA-256", i+1, part.SHA256)
		}
		if part.Users < 0 || part.Messages < 0 || part.Bytes < 0 {
			return fmt.Errorf("part %d: a number below 0", i+1)
		}
	}
	return nil
}
