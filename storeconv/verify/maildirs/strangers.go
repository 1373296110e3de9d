package maildirs

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"imsconv/storeconv/ims"
)

// places are the Maildirs that belong to users of the source.
type places struct {
	mu   sync.Mutex
	dirs map[string]bool // a Maildir, or only on the way to one
}

func newPlaces() *places { return &places{dirs: make(map[string]bool)} }

func (p *places) add(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirs[path] = true
	for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path, '/') {
		path = path[:at]
		if _, ok := p.dirs[path]; ok {
			return
		}
		p.dirs[path] = false
	}
}

// beside are the names that an export leaves beside the users.
var beside = map[string]bool{configName: true, "import-mox.sh": true, "import-vandelay.sh": true, ims.WorkDir: true}

// maxDepth is how deep a Maildir of nobody is looked for.
const maxDepth = 6

// strangers tells of Maildirs of nobody in the source. Where only a part of the
// source was looked at nobody knows whose they are.
func (v *verifier) strangers(ctx context.Context, all bool) error {
	if !all {
		return nil
	}
	return v.strangersIn(ctx, "", 0)
}

func (v *verifier) strangersIn(ctx context.Context, dir string, depth int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, err := readDir(v.root, dir)
	if err != nil {
		v.log.Problem("unreadable", dir, err.Error())
		return nil
	}
	for _, e := range entries {
		path := join(dir, e.name)
		maildir, onTheWay := v.met.dirs[path]
		switch {
		case maildir || dir == "" && beside[e.name]:
		case !e.dir:
			v.log.Warning("stray-file", path, "no part of an export")
		case e.name == "cur" && !onTheWay: // else a user is called so
			v.log.Problem("extra-user", dir, "a Maildir, and the source has nobody for it")
			return nil
		case onTheWay || depth < maxDepth:
			if err := v.strangersIn(ctx, path, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
