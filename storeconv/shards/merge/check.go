package merge

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/lists"
)

// merge is one call of Merge.
type merge struct {
	store  string
	opts   Options
	log    storeconv.Log
	parts  []*part
	report Report

	dst   *durable.Store // nil: a dry run without a store
	run   *durable.Run   // nil: a dry run
	met   carry.Copies   // in a dry run: files with several names
	links *durable.Dir   // of pool
	pool  *durable.LinkPool

	placer carry.Placer[*unit]

	forms   [4]*form // of the databases; nil: no part has that one
	listed  [4]bool  // some part has that one
	dates   int64    // the latest of the databases, in seconds since 1970
	boxes   *bdb.Sorter
	refused refusals
	told    toldPlaces
	dirs    sharedDirs
}

// part is the store of one part, or of several.
type part struct {
	number  int    // in the order of the command line, from 0
	path    string // as it was given
	info    os.FileInfo
	via     Via
	trees   bool // it has partitions
	strays  []string
	records []Record
}

// check reads what the parts say of themselves and refuses what does not
// belong together. Nothing is written.
func (m *merge) check(paths []string) error {
	for i, path := range paths {
		p := &part{number: i, path: filepath.Clean(path)}
		if err := m.open(p); err != nil {
			return err
		}
		m.parts = append(m.parts, p)
	}
	own, err := ReadRecords(m.store)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return m.checkOwn(own)
	}
	if m.opts.Via == ViaNone && m.opts.FS == nil {
		if _, err := os.Stat(m.store); err != nil {
			return fmt.Errorf("%w, and the trees are to be there", err)
		}
	}
	for _, p := range m.parts {
		m.report.Records = append(m.report.Records, p.records...)
	}
	if err := m.checkRecords(); err != nil {
		return err
	}
	m.report.Copies = len(own) > 0
	return m.checkCopies(own)
}

// open looks at the store of a part.
func (m *merge) open(p *part) error {
	info, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: %w: not a directory", p.path, ims.ErrNoStore)
	}
	p.info = info
	if err := m.apart(p); err != nil {
		return err
	}
	// The run of a part makes all of it in the work folder first, so that one
	// that was stopped may have left nothing else.
	if err := unfinished(p.path); err != nil {
		return err
	}
	if err := p.look(); err != nil {
		return err
	}
	if p.records, err = ReadRecords(p.path); err != nil {
		return err
	}
	for i := range p.records {
		m.told.take(p, &p.records[i])
	}
	if len(p.records) == 0 {
		return fmt.Errorf("%s: no record of a shard in %s: it was not made with --shard, or its run has not ended with 0 or 3 yet; the same command again ends it", p.path, RecordsDir)
	}
	return nil
}

// apart refuses a part that is the store, or lies inside of it, or the other
// way round, and one that is given twice.
func (m *merge) apart(p *part) error {
	if info, err := os.Stat(m.store); err == nil && os.SameFile(info, p.info) {
		return fmt.Errorf("%s is the store itself: parts that were made in one store need no name", p.path)
	}
	if durable.Nest(m.store, p.path) {
		return fmt.Errorf("the store %s and the part %s lie inside each other", m.store, p.path)
	}
	for _, other := range m.parts {
		if os.SameFile(other.info, p.info) {
			return fmt.Errorf("%s and %s are the same part", other.path, p.path)
		}
	}
	return nil
}

// look finds what there is at the top of a part.
func (p *part) look() error {
	list, err := os.ReadDir(p.path)
	if err != nil {
		return err
	}
	known := false
	for _, e := range list {
		switch e.Name() {
		case partitionDir:
			known, p.trees = true, true
		case lists.Dir:
			known = true
		case userFilesDir, ims.WorkDir, "lost+found":
		default:
			p.strays = append(p.strays, e.Name())
		}
	}
	if !known {
		return fmt.Errorf("%s: %w", p.path, ims.ErrNoStore)
	}
	return nil
}

// unfinished refuses a store in which a run is at work, or was interrupted.
func unfinished(store string) error {
	left, err := durable.Leftovers(nil, store)
	if err != nil {
		return err
	}
	for i := range left {
		switch l := &left[i]; {
		case l.Busy:
			return fmt.Errorf("%s: a run is at work there: %s", store, cmp.Or(l.Command, l.Name))
		case !l.Finished:
			return fmt.Errorf("%s: %s", l.Path, l.Advice())
		}
	}
	return nil
}

// checkOwn looks at the records of parts that were all made in the store.
func (m *merge) checkOwn(own []Record) error {
	if _, err := os.Stat(m.store); err != nil {
		return err
	}
	if err := unfinished(m.store); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(m.store, mergedDir)); err == nil && len(own) == 0 {
		m.report.Removed = true
		return nil
	}
	if len(own) == 0 {
		return fmt.Errorf("%s: %w in %s: name the stores of the parts, or run the parts with --shard first", m.store, ErrNoRecords, RecordsDir)
	}
	m.report.Records = own
	return m.checkRecords()
}

// checkRecords refuses parts that are no division of one site, and puts the
// records into the order of their numbers.
func (m *merge) checkRecords() error {
	all := m.report.Records
	for i := range all {
		if err := sameDivision(&all[0], &all[i]); err != nil {
			return err
		}
	}
	slices.SortStableFunc(all, func(a, b Record) int { return a.Shard.Index - b.Shard.Index })
	next := 1
	for i := range all {
		n := all[i].Shard.Index
		if i > 0 && n == all[i-1].Shard.Index {
			return fmt.Errorf("shard %d of %d is in %s and in %s: one of them too many", n, all[i].Shard.Count, all[i-1].Store, all[i].Store)
		}
		for ; next < n; next++ {
			m.report.Missing = append(m.report.Missing, next)
		}
		next = n + 1
	}
	for ; next <= all[0].Shard.Count; next++ {
		m.report.Missing = append(m.report.Missing, next)
	}
	return m.checkMissing(all[0].Shard.Count)
}

func (m *merge) checkMissing(count int) error {
	missing := m.report.Missing
	if len(missing) == 0 {
		return nil
	}
	text := PartNumbers(missing, count)
	if !m.opts.Partial {
		return fmt.Errorf("no finished record of shard %s: run what is missing, or merge what is there with --partial", text)
	}
	m.log.Warning("missing-shard", "shard "+text, "its users are not merged")
	return nil
}

// PartNumbers names parts by their numbers, in a text such as
// "2, 5, 6 and 90 more of 100".
func PartNumbers(list []int, count int) string {
	const most = 10
	var b strings.Builder
	for i, n := range list[:min(most, len(list))] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	if more := len(list) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	fmt.Fprintf(&b, " of %d", count)
	return b.String()
}

// sameDivision refuses two records of parts of different sites, divisions or
// options.
func sameDivision(a, b *Record) error {
	why := ""
	switch x, y := &a.Shard, &b.Shard; {
	case a.Command != b.Command:
		why = fmt.Sprintf("made by %q and by %q", a.Command, b.Command)
	case x.Count != y.Count:
		why = fmt.Sprintf("one of %d parts and one of %d", x.Count, y.Count)
	case x.Plan != y.Plan:
		why = "parts of different plans, or one of a plan and one of a hash"
	case x.Source != y.Source:
		why = "made of different sources"
	case sorted(x.Paths) != sorted(y.Paths):
		why = "made of different PATHs"
	default:
		why = differentChoice(a.choices(), b.choices())
	}
	if via := b.Options["via"]; why == "" && via == "symlink" {
		return fmt.Errorf("%s: made with --via symlink: its messages are no files of its own; make it with --via copy or hardlink", b.Path)
	}
	if why == "" {
		return nil
	}
	return fmt.Errorf("%s and %s do not belong together: %s", a.Path, b.Path, why)
}

// checkCopies looks at records that the store has beside those of the parts:
// copies of them have come along with trees that were brought by other means.
func (m *merge) checkCopies(own []Record) error {
	for i := range own {
		same := slices.ContainsFunc(m.report.Records, func(r Record) bool { return r.Shard == own[i].Shard && sameFile(r.Path, own[i].Path) })
		if !same {
			return fmt.Errorf("%s: the store has a record of a shard of its own: merge it and the parts into another store", own[i].Path)
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, errX := readRegular(a)
	y, errY := readRegular(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// runName tells merges of different parts apart.
func (m *merge) runName() string {
	h := sha256.New()
	fmt.Fprintf(h, "merge\x00%s\x00", m.opts.Via)
	for i := range m.report.Records {
		s := &m.report.Records[i].Shard
		fmt.Fprintf(h, "%d/%d\x00%s\x00%s\x00", s.Index, s.Count, s.Plan, s.Source)
	}
	return "merge-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// newSorter returns a sorter that spills into the run's folder.
func (m *merge) newSorter() *bdb.Sorter {
	dir := ""
	if m.run != nil {
		dir = m.run.TempDir()
	}
	return bdb.NewSorter(dir, storeconv.SortMemory)
}
