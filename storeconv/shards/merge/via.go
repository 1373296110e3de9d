package merge

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// chooseVia settles for each part how its messages come over.
func (m *merge) chooseVia() error {
	if m.opts.Via == ViaHardlink && m.opts.Owner != nil {
		return ErrHardlinkOwner
	}
	here, err := deviceOf(m.store)
	if err != nil {
		return err
	}
	for _, p := range m.parts {
		there, err := p.device()
		if err != nil {
			return err
		}
		p.via = m.opts.Via
		switch {
		case p.via == ViaHardlink && there != here:
			return fmt.Errorf("hard links are impossible: %s and %s are on different file systems", p.path, m.store)
		case p.via == ViaAuto && there == here && m.opts.Owner == nil:
			p.via = ViaHardlink
		case p.via == ViaAuto:
			p.via = ViaCopy
		}
	}
	return nil
}

// deviceOf is the file system that a path is on, or will be.
func deviceOf(path string) (uint64, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	for ; ; abs = filepath.Dir(abs) {
		var st unix.Stat_t
		err := unix.Stat(abs, &st)
		if err == nil {
			return st.Dev, nil
		}
		if abs == filepath.Dir(abs) {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
	}
}

// device is the file system of a part's trees.
func (p *part) device() (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(p.path, partitionDir), &st); err == nil {
		return st.Dev, nil
	}
	return deviceOf(p.path)
}
