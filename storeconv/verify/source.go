package verify

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// Partition is one partition of the source under another name or from
// elsewhere: what is called Name in the source (at Path, when it is not below
// partition/) is called NewName in the store. Records of the source may call
// it Alias too, unless another partition has that name.
type Partition struct {
	Name, Path, NewName, Alias string
}

// part is one partition of the source.
type part struct {
	name, newName string
	alias         string // another name in records, or ""
	path          string
	where         string // for messages
	hasUsers      bool
}

// source is the NMS store that a store was made of, open for reading.
type source struct {
	opts  NMSOptions
	from  string // absolute
	store *nms.Store
	parts []*part
	data  *database // nil: missing, or unreadable
	quota *database // likewise
	notes []storeconv.Note
	part  *shardPart

	naming
}

func openSource(ctx context.Context, from string, opts NMSOptions) (*source, error) {
	s := &source{opts: opts}
	var err error
	if s.from, err = filepath.Abs(from); err != nil {
		return nil, err
	}
	if opts.Domain != "" {
		if err := checkDomain(opts.Domain); err != nil {
			return nil, fmt.Errorf("domain for user ids: %q: %w", opts.Domain, err)
		}
	}
	if s.part, err = openShard(opts.Shard); err != nil {
		return nil, err
	}
	if err := s.findParts(); err != nil {
		return nil, err
	}
	if err := s.openDatabases(ctx); err != nil {
		s.close()
		return nil, err
	}
	s.naming.turn(opts.Map)
	if err := s.readNames(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) close() {
	s.data.close()
	s.quota.close()
}

// findParts finds the partitions and their new names.
func (s *source) findParts() error {
	named := make(map[string]Partition)
	var extra []nms.Partition
	for _, p := range s.opts.Partitions {
		if p.Path != "" && sameDir(filepath.Dir(p.Path), filepath.Join(s.from, "partition")) {
			p.Name, p.Path, p.Alias = filepath.Base(p.Path), "", "" // not elsewhere
		}
		if p.Path != "" {
			extra = append(extra, nms.Partition{Name: p.Name, Path: p.Path})
		}
		named[p.Name] = p
	}
	var err error
	if s.store, err = nms.Open(s.from, extra...); err != nil {
		return err
	}
	taken := make(map[string]string)
	for _, found := range s.store.Partitions {
		p := &part{name: found.Name, newName: found.Name, path: found.Path, where: s.label(found.Path), hasUsers: nms.IsPartition(found.Path)}
		if n, ok := named[p.name]; ok {
			p.newName = n.NewName
			if _, ok := s.store.Partition(n.Alias); !ok {
				p.alias = n.Alias
			}
			delete(named, p.name)
		}
		if err := ims.CheckPartition(p.newName); err != nil {
			s.notes = append(s.notes, warning("bad-partition", p.where, "%v: left out", err))
			continue
		}
		if other, ok := taken[p.newName]; ok {
			return fmt.Errorf("partitions %s and %s both become %s", other, p.name, p.newName)
		}
		taken[p.newName] = p.name
		s.parts = append(s.parts, p)
	}
	for name := range named {
		return fmt.Errorf("partition %s: not in %s", name, s.from)
	}
	return nil
}

// sameDir tells whether two paths lead to one directory.
func sameDir(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// label is how messages name a path of the source: relative to it where that is
// possible.
func (s *source) label(path string) string {
	if rel, err := filepath.Rel(s.from, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

func (s *source) openDatabases(ctx context.Context) error {
	var err error
	if s.store.DataDB == "" {
		s.notes = append(s.notes, warning("no-database", "mboxlist/data.db2", "no such file: no mailbox has a record"))
	} else if s.data, err = s.openDatabase(ctx, s.store.DataDB); err != nil {
		return err
	}
	if s.store.QuotaDB == "" {
		s.notes = append(s.notes, warning("no-database", "quota.db2", "no such file: quota.db has no limits of the old store"))
	} else if s.quota, err = s.openDatabase(ctx, s.store.QuotaDB); err != nil {
		return err
	}
	return nil
}

// partOf finds a partition by a name that records use.
func (s *source) partOf(name string) *part {
	for _, p := range s.parts {
		if p.name == name || name != "" && p.alias == name {
			return p
		}
	}
	return nil
}

// selected tells whether a user of the source is looked at.
func (s *source) selected(id string) bool {
	return (s.opts.Users == nil || s.opts.Users[id]) && s.part.has(id)
}

// takesRest tells whether what is no user's is looked at: with no batch, and of
// several shards with the first.
func (s *source) takesRest() bool { return s.opts.Users == nil && s.part.first }

// isDir tells whether a path is a directory and not a link to one.
func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// hasDirectory tells whether a mailbox of the source has a directory in one
// partition, where hashdir says, and no symbolic link on the way to it.
func (p *part) hasDirectory(id, name string) bool {
	if checkUser(id) != nil || name != inbox && checkMailbox(name) != nil {
		return false
	}
	path := p.path
	for step := range strings.SplitSeq(strings.TrimPrefix(mailboxDir("x", id, name), "partition/x/"), "/") {
		if path = filepath.Join(path, step); !isDir(path) {
			return false
		}
	}
	return true
}

// origin answers what the source of a relocated store has, for faults that are
// the source's own.
type origin struct{ *source }

func openOrigin(ctx context.Context, o *Origin) (*origin, error) {
	s, err := openSource(ctx, o.From, o.Options)
	if err != nil {
		return nil, err
	}
	return &origin{s}, nil
}

// has tells whether what lies at a path of the store came from the source as
// it is: a file of the same content in a tree that goes over, or a directory
// there.
func (o *origin) has(root int, path string) bool {
	parts := strings.Split(path, "/")
	if len(parts) < 3 || parts[0] != "partition" || !goesOver(parts[2:]) {
		return false
	}
	at := slices.IndexFunc(o.parts, func(p *part) bool { return p.newName == parts[1] })
	if at < 0 {
		return false
	}
	for _, below := range o.before(parts[2:]) {
		if sameThing(root, path, filepath.Join(o.parts[at].path, below)) {
			return true
		}
	}
	return false
}

// goesOver tells whether relocation carries over what lies at this path of a
// partition: users' directories and what is in them, and other trees with a =
// in front.
func goesOver(path []string) bool {
	if !strings.HasPrefix(path[0], "=") {
		return false
	}
	if path[0] != nms.UserRoot {
		return true
	}
	return slices.ContainsFunc(path[1:], func(part string) bool { return strings.HasPrefix(part, "=") })
}

// before lists where a path of a partition may have been in the source.
func (o *origin) before(path []string) []string {
	all := []string{strings.Join(path, "/")}
	if path[0] != nms.UserRoot || len(path) < 4 {
		return all
	}
	id, ok := readDiskName(path[3])
	if !ok {
		return all
	}
	for _, old := range o.oldIDs(id) {
		all = append(all, strings.Join(append([]string{path[0], hashDirs(old), diskName(old)}, path[4:]...), "/"))
	}
	return all
}

// sameThing compares a name of the store with a path of the source.
func sameThing(root int, path, from string) bool {
	var a, b unix.Stat_t
	if stat(unix.AT_FDCWD, from, &a) != nil || stat(root, path, &b) != nil {
		return false
	}
	if keyOf(&a) == keyOf(&b) {
		return true
	}
	if a.Mode&unix.S_IFMT == unix.S_IFDIR {
		return b.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	if a.Mode&unix.S_IFMT != unix.S_IFREG {
		return false
	}
	if b.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.Fstatat(root, path, &b, 0) == nil && keyOf(&a) == keyOf(&b)
	}
	return b.Mode&unix.S_IFMT == unix.S_IFREG && a.Size == b.Size && sameBytes(unix.AT_FDCWD, from, root, path)
}

func sameBytes(srcDir int, src string, dstDir int, dst string) bool {
	var c byteComparer
	res := c.compare(context.Background(), srcDir, src, dstDir, dst)
	return res.src == nil && res.dst == nil && res.same
}

// unlisted tells whether the source has no record of a mailbox in this
// partition either.
func (o *origin) unlisted(box *mailbox) bool {
	for _, old := range o.oldIDs(box.id) {
		value, ok := o.data.get(fullName(old, box.name))
		if !ok {
			continue
		}
		name, known := partitionOf(value)
		if p := o.partOf(name); !known || p != nil && p.newName == box.partition {
			return false
		}
	}
	return true
}

// hasRecord tells whether the source has a record of a user with that behind
// the id in its key.
func (o *origin) hasRecord(id, behind string) bool {
	return slices.ContainsFunc(o.oldIDs(id), func(old string) bool {
		_, ok := o.data.get("user/" + old + behind)
		return ok
	})
}

// covers tells whether a user of the store is one that is compared with the
// source: what the source has of it and the store not is told there.
func (o *origin) covers(id string) bool { return slices.ContainsFunc(o.oldIDs(id), o.selected) }

// unlimited tells whether the source has no quota record of a user either.
func (o *origin) unlimited(id string) bool {
	return !slices.ContainsFunc(o.oldIDs(id), func(old string) bool {
		_, ok := o.quota.get(old)
		return ok
	})
}

// lacks tells whether the source has a record and no directory for a mailbox,
// or for a user when name is INBOX.
func (o *origin) lacks(id, name string) bool {
	listed := false
	for _, old := range o.oldIDs(id) {
		_, folder := o.data.get(fullName(old, name))
		_, quota := o.quota.get(old)
		listed = listed || folder || quota && name == inbox
		if slices.ContainsFunc(o.parts, func(p *part) bool { return p.hasDirectory(old, name) }) {
			return false
		}
	}
	return listed
}

// database is one database of the source.
type database struct {
	file  *os.File
	size  int64
	where string
	db    *bdb.Reader // nil where not even the metadata can be read
	// pages: something on the way to the records is damaged, so that they are
	// read page by page.
	pages bool
	seed  maphash.Seed
	keys  map[uint64]struct{} // of a damaged one, hashed; made when first needed
}

// maxKeys bounds keys; beyond it a key counts as not there.
const maxKeys = 1 << 20

// openDatabase opens a database of the source and reads it through to see what
// is damaged, which is noted. One that cannot be read at all is nil.
func (s *source) openDatabase(ctx context.Context, path string) (*database, error) {
	d := &database{where: s.label(path), seed: maphash.MakeSeed()}
	f, err := os.Open(path)
	if err != nil {
		s.notes = append(s.notes, warning("unreadable", d.where, "%v", err))
		return nil, nil
	}
	d.file = f
	err = d.readThrough(ctx, func(n storeconv.Note) { s.notes = append(s.notes, n) })
	if err != nil {
		f.Close() // opened for reading
		if ctx.Err() != nil {
			return nil, err
		}
		s.notes = append(s.notes, warning("damaged", d.where, "%v", err))
		return nil, nil
	}
	return d, nil
}

// maxDamage bounds the lines about one database.
const maxDamage = 1000

func (d *database) readThrough(ctx context.Context, tell func(storeconv.Note)) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	d.size = info.Size()
	told, quiet := 0, false
	d.db, err = bdb.NewReader(d.file, d.size, bdb.Options{Problem: func(err error) {
		n := damage(d.where, err)
		d.pages = d.pages || n.Severity == storeconv.Problem
		if n.Severity, n.Kind = storeconv.Warning, "damaged"; !quiet && told < maxDamage {
			tell(n)
			told++
		}
	}})
	if err != nil {
		d.db, d.pages = nil, true
		tell(warning("damaged", d.where, "%v: what its pages hold is taken", err))
	} else if d.db.Meta().Type == bdb.Recno {
		return errors.New("a recno database has no mailbox names")
	}
	err = d.each(ctx, func(string, []byte) error { return nil })
	quiet = true
	return err
}

func (d *database) close() {
	if d != nil {
		d.file.Close() // opened for reading
	}
}

// each calls fn for every record that can be read. The value is valid during
// the call.
func (d *database) each(ctx context.Context, fn func(key string, value []byte) error) error {
	if d.pages {
		_, err := bdb.Salvage(ctx, d.file, d.size, bdb.SalvageOptions{}, func(key, value []byte) error { return fn(string(key), value) })
		return err
	}
	c := d.db.Cursor()
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key, value, err := c.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.where, err)
		}
		if err := fn(string(key), value); err != nil {
			return err
		}
	}
}

// get looks a record up. Of a damaged database only whether the key is there is
// known: the value is nil then.
func (d *database) get(key string) (value []byte, ok bool) {
	if d == nil {
		return nil, false
	}
	if !d.pages {
		value, err := d.db.Get([]byte(key))
		return value, err == nil
	}
	if d.keys == nil {
		d.keys = make(map[uint64]struct{})
		err := d.each(context.Background(), func(key string, _ []byte) error {
			if len(d.keys) < maxKeys {
				d.keys[maphash.String(d.seed, key)] = struct{}{}
			}
			return nil
		})
		if err != nil {
			return nil, false
		}
	}
	_, ok = d.keys[maphash.String(d.seed, key)]
	return nil, ok
}
