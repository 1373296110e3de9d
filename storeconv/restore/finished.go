package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// A run that makes new mailboxes would make them again when it is given again,
// and nothing in the store tells that it was done. So each leaves a line in
// .imsconv/finished: the run's name, which stands for the start of the streams,
// the selection and the options, a sum of all that was selected, and how many
// problems it told, when there were any. A run of a name that is there reads
// its streams to the end before it writes anything.

// finishedFile has a line for each run with NewName that has finished.
const finishedFile = ".imsconv/finished"

// finishedMost bounds what is read of the file, in bytes: some hundred thousand
// lines.
const finishedMost = 32 << 20

// contentSum is a sum of all that was selected, in whichever order it came.
type contentSum [4]uint64

func (c *contentSum) add(o contentSum) {
	for i := range c {
		c[i] += o[i]
	}
}

func (c *contentSum) String() string {
	var b []byte
	for _, n := range c {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return hex.EncodeToString(b)
}

// visitSum sums what is selected of one visit, member by member: how members
// are put together into visits does not matter. A nil one does nothing.
type visitSum struct {
	h     hash.Hash // of the current member
	total contentSum
	begun bool
}

func (s *visitSum) member(m *sims.Member) {
	if s == nil {
		return
	}
	s.end()
	s.begun = true
	fmt.Fprintf(s.h, "%d %q %d %d %q %q %d %v %d %d %d %q %q\n", m.Kind, m.Name, m.Time, m.Size, m.Flags, m.Link,
		m.Quota, m.HasQuota, m.UIDValidity, m.UIDNext, m.Subscribed, m.Keywords, m.ACL)
}

func (s *visitSum) body(b []byte) {
	if s != nil {
		s.h.Write(b)
	}
}

func (s *visitSum) sum() (c contentSum) {
	if s == nil {
		return c
	}
	s.end()
	return s.total
}

// end adds the current member.
func (s *visitSum) end() {
	if !s.begun {
		return
	}
	var c contentSum
	b := s.h.Sum(nil)
	for i := range c {
		c[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	s.total.add(c)
	s.h.Reset()
	s.begun = false
}

// newVisitSum begins the sum of a visit, where one is needed.
func (r *run) newVisitSum() *visitSum {
	if r.opt.Existing != NewName {
		return nil
	}
	return &visitSum{h: sha256.New()}
}

// countingLog counts the problems that a run tells, and keeps them.
type countingLog struct {
	storeconv.Log
	mu       sync.Mutex
	problems int64
	text     []byte // of them, a line each
	more     int64  // for which that has no room
}

// toldMost bounds the problems that are kept, in bytes.
const toldMost = 1 << 20

// Problem implements [storeconv.Log].
func (l *countingLog) Problem(kind, where, text string) {
	l.keep(kind, where, text)
	l.Log.Problem(kind, where, text)
}

func (l *countingLog) keep(kind, where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems++
	line := fmt.Sprintf("%q %q %q\n", kind, where, text)
	if len(l.text)+len(line) > toldMost {
		l.more++
		return
	}
	l.text = append(l.text, line...)
}

// count is how many problems there were.
func (l *countingLog) count() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.problems
}

// A run that is killed while its folder goes, at its very end, has told its
// problems, but nobody has its exit status: so they go last, and are told once
// more when the same command comes again.

// toldFile is in the folder of each run that has done its work, with the
// problems that it told and a last line. Its name comes behind the others
// there, in whose order they are removed: a folder without it is as good as
// gone.
const toldFile = "told"

// toldEnd is the last line: what does not end so has lost something.
const toldEnd = "end\n"

// noteTold writes what the run has told, when all else is done.
func (r *run) noteTold() error {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := r.folder.Dir.Recreate(toldFile)
	if err != nil {
		return err
	}
	if _, err = f.Write(l.text); err == nil && l.more > 0 {
		_, err = fmt.Fprintf(f, "%q %q %q\n", "interrupted", r.path, fmt.Sprintf("%d more problems were told by the interrupted run", l.more))
	}
	if err == nil {
		_, err = f.Write([]byte(toldEnd))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// begin begins the run. errFinished says that one of its name had done its work
// and was stopped while its folder went; what it told is told again.
func (r *run) begin() error {
	var err error
	if r.folder, err = r.store.Begin(r.name()); err != nil {
		return err
	}
	r.folder.TellOthers(r.log)
	if !r.folder.Finished() {
		return nil
	}
	text, err := r.store.ReadFile(ims.WorkDir+"/"+r.name()+".done/"+toldFile, 2*toldMost)
	switch {
	case err == nil:
		r.tellAgain(string(text))
	case !isNotExist(err):
		return err
	case r.opt.Existing == Append:
		// All but the empty folder is as after the end of that run, and so is what
		// this one does. It adds nothing twice, and tells what is still wrong.
		r.folder, err = r.folder.Anew()
		return err
	case r.opt.Existing == NewName:
		earlier, _, err := r.findFinished()
		if err != nil {
			return err
		}
		r.tellEarlier(earlier.problems)
	default:
		r.tellAgain("")
	}
	return errFinished
}

// tellAgain tells the problems of a run that was stopped at its very end, and
// where some of its words are lost, that they are.
func (r *run) tellAgain(text string) {
	for line := range strings.Lines(text) {
		if line == toldEnd {
			return
		}
		var kind, where, what string
		if _, err := fmt.Sscanf(line, "%q %q %q\n", &kind, &where, &what); err != nil {
			break
		}
		r.log.Problem(kind, where, what)
	}
	r.log.Problem("interrupted", r.path, "what else the interrupted run told, which had done its work, is lost: there may have been problems")
}

// finishedRun is what a finished run has left of itself.
type finishedRun struct {
	sum      string
	problems int64
}

// line is the run's line in finishedFile.
func (f finishedRun) line(name string) string {
	if f.problems == 0 {
		return name + " " + f.sum + "\n"
	}
	return fmt.Sprintf("%s %s %d\n", name, f.sum, f.problems)
}

// findFinished returns what a finished run of this name has left.
func (r *run) findFinished() (found finishedRun, ok bool, err error) {
	text, err := r.store.ReadFile(finishedFile, finishedMost)
	if isNotExist(err) || isNotDir(err) {
		return found, false, nil
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 || len(f) > 3 || f[0] != r.name() {
			continue
		}
		found, ok = finishedRun{sum: f[1]}, true
		if len(f) == 3 {
			found.problems, _ = strconv.ParseInt(f[2], 10, 64) // a count that is none hides nothing that this run reads
		}
	}
	return found, ok, err
}

// checkFinished returns errFinished when an earlier run has done all that this
// one would do. One that was interrupted is no earlier run: it is taken up.
func (r *run) checkFinished(ctx context.Context) error {
	if r.opt.Existing != NewName {
		return nil
	}
	earlier, ok, err := r.findFinished()
	if !ok || err != nil {
		return err
	}
	for _, folder := range [...]string{r.name(), r.name() + ".done"} {
		if _, err := r.store.Stat(".imsconv/" + folder); !isNotExist(err) {
			return err
		}
	}
	if err := r.keepPipes(); err != nil {
		return err
	}
	same, err := r.readsAs(ctx, earlier.sum)
	if err != nil {
		return err
	}
	if same {
		r.tellEarlier(earlier.problems)
		return errFinished
	}
	return r.reopen()
}

// tellEarlier keeps a run that has nothing to do from ending better than the
// earlier one did.
func (r *run) tellEarlier(problems int64) {
	if problems > 0 {
		r.log.Problem("earlier-run", finishedFile, fmt.Sprintf("problems of the earlier run, which are not told again: %d; "+
			"the mailboxes are made once more where its line, %s, is removed", problems, r.name()))
	}
}

// keepPipes makes streams that can be read once keep what is read of them.
func (r *run) keepPipes() error {
	for _, s := range r.streams {
		if s.Again != nil {
			continue
		}
		if s.keep == nil {
			return fmt.Errorf("%s: its source cannot be read twice, and it begins as a stream of a finished run", s.Name)
		}
		if err := s.keep.start(r.path); err != nil {
			return err
		}
	}
	return nil
}

// reopen makes the streams be read from their starts.
func (r *run) reopen() error {
	for _, s := range r.streams {
		if s.Again != nil {
			s.Source = s.Again()
			continue
		}
		if err := s.keep.failed(); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		s.Source = s.keep.again()
	}
	return nil
}

// dropKept gives the space of what was kept back.
func (r *run) dropKept() error {
	var errs []error
	for _, s := range r.streams {
		errs = append(errs, s.keep.close())
	}
	return errors.Join(errs...)
}

// readsAs reads the streams to their ends and tells whether what is selected of
// them has that sum.
func (r *run) readsAs(ctx context.Context, sum string) (bool, error) {
	trial := &run{opt: r.opt, log: &countingLog{Log: storeconv.Discard}, streams: r.streams, all: r.all, path: r.path, partition: r.partition}
	trial.opt.Progress, trial.opt.Trace, trial.opt.Strict, trial.opt.Reference = nil, nil, false, nil
	var err error
	if trial.sel, err = selection.Compile(r.opt.Selection); err != nil {
		return false, err
	}
	if err := trial.convert(ctx); err != nil {
		return false, err
	}
	return trial.content.String() == sum, nil
}

// noteFinished writes the run's line, before its folder goes.
func (r *run) noteFinished() (err error) {
	if r.opt.Existing != NewName {
		return nil
	}
	if err := r.folder.LockLists(); err != nil {
		return fmt.Errorf("lock the store: %w", err)
	}
	defer func() { err = errors.Join(err, r.folder.UnlockLists()) }()
	text, err := r.store.ReadFile(finishedFile, finishedMost)
	if err != nil && !isNotExist(err) {
		return err
	}
	line := []byte(finishedRun{r.content.String(), r.log.count()}.line(r.name()))
	if bytes.Contains(text, line) {
		return nil
	}
	return r.replaceFinished(append(text, line...))
}

func (r *run) replaceFinished(text []byte) error {
	const fresh = "finished"
	dir := r.folder.Dir
	if err := dir.RemoveAll(fresh); err != nil {
		return err
	}
	f, err := dir.Create(fresh)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = errors.Join(f.SetTime(0), f.Sync())
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = dir.Replace(fresh, r.store.Dir, finishedFile)
	}
	if err == nil {
		err = r.store.SyncNames(ims.WorkDir)
	}
	return err
}
