package ldifconv

import (
	"slices"
	"sync/atomic"
)

// mutes are the kinds of problems and warnings of which nobody reads the text
// any more. The collector adds to them after it has told the last text, so the
// workers, who look, are never ahead of it. A nil one is empty.
type mutes struct{ list atomic.Pointer[[]mutedKind] }

type mutedKind struct {
	problem bool
	kind    string
}

func (m *mutes) has(problem bool, kind string) bool {
	if m == nil {
		return false
	}
	list := m.list.Load()
	return list != nil && slices.Contains(*list, mutedKind{problem, kind})
}

func (m *mutes) add(problem bool, kind string) {
	if m.has(problem, kind) {
		return
	}
	var list []mutedKind
	if old := m.list.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = append(list, mutedKind{problem, kind})
	m.list.Store(&list)
}
