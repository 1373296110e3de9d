package relocate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/carry"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// userTree is one user's directory in one partition, on its way.
type userTree struct {
	carry.Tree // its User is the new id
	part       *partition
	hash       string // the directories it lies under, below =user: "53/53"
	name       string // "=mack1"
	id         string
	legacyPath string // where a run without RepairHash would have put it, "" when that is its place
	rehash     bool   // its place differs from the source by the hash or the spelling alone
	respell    bool
	shared     bool // no user's: id is empty

	moved   int64 // folders whose name was put right, once the tree is made
	users   int64 // of what is only told: user directories met
	leftOut int64 // and left out
}

// eachUser calls yield for every selected user of every partition.
func (r *relocation) eachUser(yield func(*userTree) error) error {
	for _, p := range r.parts {
		if p.fd < 0 {
			continue
		}
		s := userScan{r: r, part: p, yield: yield}
		if err := s.all(); err != nil {
			return err
		}
	}
	return nil
}

// note is a userTree that stands for something told in its turn.
func (p *partition) note(severity storeconv.Severity, kind, where, text string) *userTree {
	u := &userTree{part: p, Tree: carry.NewTree(where, "", "")}
	u.Tell(carry.Result{State: carry.Note, Notes: []storeconv.Note{{Severity: severity, Kind: kind, Where: where, Text: text}}})
	return u
}

// outside deals with what a partition holds beside =user.
func (s *userScan) outside() error {
	if !s.r.opts.Shard.First() {
		return nil
	}
	list, err := os.ReadDir(s.part.path)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		return s.tell("unreadable", s.part.where, err.Error())
	}
	for _, entry := range list {
		name := entry.Name()
		switch {
		case name == nms.UserRoot || name == "lost+found":
		case entry.IsDir() && strings.HasPrefix(name, "="):
			if err := s.shared(name); err != nil {
				return err
			}
		default:
			note := s.part.note(storeconv.Warning, "not-a-user", s.part.where+"/"+name, "beside "+nms.UserRoot+": not carried over")
			if err := s.yield(note); err != nil {
				return err
			}
		}
	}
	return nil
}

// shared plans a tree of mailboxes that are no user's, beside =user: it goes
// over as it is, with a run of all users. Its records are not held against it.
func (s *userScan) shared(name string) error {
	if !s.r.takesRest() {
		return nil
	}
	return s.plan(&userTree{
		part: s.part, name: name, shared: true,
		Tree: carry.NewTree(s.part.where+"/"+name, "", "partition/"+s.part.newName+"/"+name),
	})
}

// userScan walks the hash directories of one partition.
type userScan struct {
	r      *relocation
	part   *partition
	yield  func(*userTree) error
	lister nms.Lister
	late   []*userTree // users that are put right, after those that are right
}

// all yields every user of the partition.
func (s *userScan) all() error {
	if err := s.level(s.part.fd, "", 0); err != nil {
		return err
	}
	for _, u := range s.late {
		if err := s.yield(u); err != nil {
			return err
		}
	}
	return s.outside()
}

// tellSite tells of what is no user's.
func (s *userScan) tellSite(kind, where, text string) error {
	if !s.r.opts.Shard.First() {
		return nil
	}
	return s.tell(kind, where, text)
}

func (s *userScan) tell(kind, where, text string) error {
	return s.yield(s.part.note(storeconv.Problem, kind, where, text))
}

// leaveOutName tells of a directory whose name is no user's.
func (s *userScan) leaveOutName(where, text string) error {
	if !s.r.opts.Shard.First() {
		return nil
	}
	return s.leaveOut("bad-name", where, text, 0)
}

func (s *userScan) leaveOut(kind, where, text string, users int64) error {
	note := s.part.note(storeconv.Problem, kind, where, text+": left out")
	note.leftOut, note.users = 1, users
	return s.yield(note)
}

// level reads one hash directory, path below =user. Users belong below two of
// them, and are found at any level.
func (s *userScan) level(fd int, path string, depth int) error {
	where := strings.TrimSuffix(s.part.where+"/"+nms.UserRoot+"/"+path, "/")
	entries, err := s.lister.List(fd, nil)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		if err := s.tellSite("unreadable", where, err.Error()); err != nil {
			return err
		}
	}
	slices.SortFunc(entries, func(a, b nms.Entry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range entries {
		at := where + "/" + e.Name
		switch {
		case e.Type != nms.Directory:
			err = s.tellSite("not-a-user", at, "a "+e.Type.String()+" where users are: left out")
		case strings.HasPrefix(e.Name, "="):
			err = s.user(path, e.Name, at)
		case depth == nms.HashLevels:
			err = s.leaveOutName(at, "user name: no = in front")
		default:
			err = s.descend(fd, path, e.Name, at, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *userScan) descend(fd int, path, name, where string, depth int) error {
	sub, err := nms.OpenDir(fd, name)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		return s.tellSite("unreadable", where, fmt.Sprintf("open: %v", err))
	}
	defer unix.Close(sub)
	return s.level(sub, strings.TrimPrefix(path+"/"+name, "/"), depth+1)
}

// user plans one user's directory.
func (s *userScan) user(hash, name, where string) error {
	r := s.r
	id, canonical, err := decodeComponent(name)
	if err == nil && canonical != name && !r.opts.RepairHash {
		err = fmt.Errorf("written %s by the rule of the layout", canonical)
	}
	if err != nil {
		return s.leaveOutName(where, fmt.Sprintf("user name: %v", err))
	}
	if !r.selected(id) {
		return nil
	}
	newID, ok, why := r.admit(id)
	if !ok {
		if why == "" {
			why = r.refusals[id]
		}
		return s.leaveOut("user-left-out", where, why, 1)
	}
	u := &userTree{part: s.part, hash: hash, name: name, id: id, respell: canonical != name}
	u.Tree = carry.NewTree(where, newID, ims.UserDir(s.part.newName, newID))
	if right := ims.Hash(id); hash != right {
		return s.misplaced(u, right)
	}
	return s.plan(u)
}

// plan hands a tree on, those that are put right after all others: a tree that
// lies where it belongs has the older claim to its place.
func (s *userScan) plan(u *userTree) error {
	if u.rehash || u.respell {
		s.late = append(s.late, u)
		return nil
	}
	return s.yield(u)
}

// misplaced deals with a user that does not lie where hashdir says.
func (s *userScan) misplaced(u *userTree, right string) error {
	asItLies := "partition/" + u.part.newName + "/" + nms.UserRoot + "/" + strings.TrimPrefix(u.hash+"/", "/") + u.name
	u.rehash = true
	if s.r.opts.RepairHash {
		u.legacyPath = asItLies
		return s.plan(u)
	}
	how := "put right with the new name"
	if u.User == u.id {
		how = "carried over as it lies"
		u.To, u.rehash = asItLies, false
	}
	if err := s.tell("wrong-hash", u.Where, fmt.Sprintf("user %s belongs under %s: %s", u.id, right, how)); err != nil {
		return err
	}
	return s.plan(u)
}

// collides says why the new id of a renamed user is taken, or "".
func (r *relocation) collides(id, newID string) string {
	if r.reverse == nil {
		r.reverse = make(map[string]string)
		for old, n := range r.opts.Map {
			if old == n {
				continue
			}
			if other, ok := r.reverse[n]; ok && other != old {
				r.ambiguous[n] = true
			}
			r.reverse[n] = old
		}
	}
	if r.ambiguous[newID] {
		return fmt.Sprintf("user id %q is given to more than one user", newID)
	}
	if other, ok := r.reverse[newID]; ok && other != id {
		return fmt.Sprintf("the new id %q is that of user %s too", newID, other)
	}
	if r.newID(newID) == newID && r.exists(newID) {
		return fmt.Sprintf("the new id %q is that of another user of the source", newID)
	}
	if why, ok := r.index.unchangeable[id]; ok {
		return fmt.Sprintf("cannot become %q: %s", newID, why)
	}
	return ""
}

// exists tells whether the source has a user of that id.
func (r *relocation) exists(id string) bool {
	if r.index.users.has(id) {
		return true
	}
	for _, p := range r.parts {
		var st unix.Stat_t
		if p.fd >= 0 && unix.Fstatat(p.fd, ims.Hash(id)+"/"+ims.Component(id), &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			return true
		}
	}
	return false
}

// source opens the user's directory. The path has no symbolic link in it that
// the scan did not see as a directory.
func (u *userTree) source() (int, error) {
	if u.shared {
		return nms.OpenDir(unix.AT_FDCWD, u.path())
	}
	return nms.OpenDir(u.part.fd, filepath.Join(u.hash, u.name))
}

// path is the user's directory as an absolute path.
func (u *userTree) path() string {
	if u.shared {
		return filepath.Join(u.part.path, u.name)
	}
	return filepath.Join(u.part.path, nms.UserRoot, u.hash, u.name)
}
