package verify

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// shardPart is the part of the users that is looked at: by a hash of the id, or
// by the lists of a plan, which are read here a second time. A user in no list
// is in the first part.
type shardPart struct {
	shard  storeconv.Shard
	first  bool
	listed bool       // own says who is in it, not the hash
	own    []shardKey // sorted; only when listed
	others []shardKey // likewise, of the first part: users in the other lists
}

// shardKey stands for a user: the beginning of the SHA-256 of the id.
type shardKey [16]byte

func shardKeyOf(user []byte) shardKey {
	sum := sha256.Sum256(user)
	return shardKey(sum[:16])
}

func compareShardKeys(a, b shardKey) int { return bytes.Compare(a[:], b[:]) }

// openShard reads the plan, if there is one.
func openShard(s storeconv.Shard) (*shardPart, error) {
	p := &shardPart{shard: s, first: s.Count < 2 || s.Index == 1, listed: s.Plan != nil}
	if s.Plan == nil {
		return p, nil
	}
	text, err := os.ReadFile(filepath.Join(s.Plan.Dir, "plan.json"))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	var plan struct {
		Shards []struct {
			File string `json:"file"`
		} `json:"shards"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, fmt.Errorf("%s: no plan: %w", s.Plan.Dir, err)
	}
	if n := len(plan.Shards); n != s.Count {
		return nil, fmt.Errorf("%s: a plan of %d parts, where %d are asked for", s.Plan.Dir, n, s.Count)
	}
	for i, list := range plan.Shards {
		path := filepath.Join(s.Plan.Dir, filepath.Base(list.File))
		switch {
		case (i+1)%s.Count == s.Index:
			p.own, err = appendShardKeys(p.own, path)
		case p.first:
			p.others, err = appendShardKeys(p.others, path)
		}
		if err != nil {
			return nil, fmt.Errorf("plan: %w", err)
		}
	}
	slices.SortFunc(p.own, compareShardKeys)
	slices.SortFunc(p.others, compareShardKeys)
	return p, nil
}

// onlyNamed makes the users that the selection names the part, under both ids:
// the case of a default domain is not to be had of the new one.
func (c *chosen) onlyNamed() {
	c.part = &shardPart{shard: storeconv.Shard{Count: 2}, listed: true}
	for user, named := range c.opts.Users {
		if !named {
			continue
		}
		c.part.own = append(c.part.own, shardKeyOf([]byte(user)))
		if id, err := c.id(user); err == nil {
			c.part.own = append(c.part.own, shardKeyOf([]byte(id)))
		}
	}
	slices.SortFunc(c.part.own, compareShardKeys)
	c.turnNames()
}

// appendShardKeys reads a list of users, one a line.
func appendShardKeys(keys []shardKey, path string) ([]shardKey, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // waits for no pipe
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, fmt.Errorf("%s: %w", path, ims.ErrNotRegular))
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxShardLine)
	for lines.Scan() {
		keys = append(keys, shardKeyOf(lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		return keys, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// maxShardLine bounds a line of a list, in bytes: far more than any id has.
const maxShardLine = 1 << 20

// whole tells that nobody is left out.
func (p *shardPart) whole() bool { return p == nil || p.shard.Count < 2 }

// has tells whether a user of the source is in the part.
func (p *shardPart) has(user string) bool { return p.hasAny(user) }

// hasAny tells whether one is who may be any of several users of the source,
// as the store does not say what he was called there.
func (p *shardPart) hasAny(users ...string) bool {
	if p.whole() {
		return true
	}
	elsewhere := false
	for _, user := range users {
		switch {
		case !p.listed:
			if inHashPart(p.shard, user) {
				return true
			}
			elsewhere = true
		case p.isIn(p.own, user):
			return true
		default:
			elsewhere = elsewhere || p.isIn(p.others, user)
		}
	}
	return p.first && !elsewhere
}

func (p *shardPart) isIn(keys []shardKey, user string) bool {
	_, found := slices.BinarySearchFunc(keys, shardKeyOf([]byte(user)), compareShardKeys)
	return found
}

// inHashPart: the first eight bytes of the SHA-256 of the id, big-endian,
// modulo the number of parts.
func inHashPart(s storeconv.Shard, user string) bool {
	if s.Count < 2 {
		return true
	}
	sum := sha256.Sum256([]byte(user))
	return binary.BigEndian.Uint64(sum[:8])%uint64(s.Count) == uint64(s.Index)
}

// takesStored tells whether a user of the store is looked at: one who may have
// been, in what the store was made of, a user of this part.
func (v *verifier) takesStored(id string) bool {
	part := v.chosen.part
	if part.whole() || id == "" {
		return true
	}
	if v.origin != nil {
		return part.hasAny(v.origin.oldIDs(id)...)
	}
	return part.hasAny(v.chosen.before(id)...)
}

// before lists the users of a stream who may be called id in the store.
func (c *chosen) before(id string) []string {
	names := []string{id}
	if c.opts.Domain != "" {
		names = append(names, id+"@"+c.opts.Domain)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, renamed := c.opts.Map[name]
		return renamed
	})
	return append(names, c.old[id]...)
}

// turnNames lists the old ids of renamed users by their new ones.
func (c *chosen) turnNames() {
	c.old = make(map[string][]string)
	for name := range c.opts.Map {
		if id, err := c.id(name); err == nil {
			c.old[id] = append(c.old[id], name)
		}
	}
}
