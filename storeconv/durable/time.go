package durable

import (
	"math"

	"golang.org/x/sys/unix"
)

// Every file system keeps the times from 1980 to 2038. Beyond that each has
// limits of its own, and the kernel cuts a time to them without a word.
const (
	firstSureTime = 315532800     // 1980
	lastSureTime  = math.MaxInt32 // 2038
)

func surelyKept(seconds int64) bool { return seconds >= firstSureTime && seconds <= lastSureTime }

// probeFile is a file of the run's folder whose time is set to see what becomes
// of it.
const probeFile = stageDir + "/time"

// KeptTime returns what the file system makes of a modification time, in
// seconds since 1970: the same, or the nearest that it can keep.
func (r *Run) KeptTime(seconds int64) (int64, error) {
	if surelyKept(seconds) {
		return seconds, nil
	}
	r.probing.Lock()
	defer r.probing.Unlock()
	f, err := r.Dir.Recreate(probeFile)
	if err != nil {
		return 0, err
	}
	defer r.Dir.Remove(probeFile)
	defer f.Close()
	if err := f.SetTime(seconds); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.ModTime().Unix(), nil
}

// timeKept tells whether an open file has got the modification time of st.
func timeKept(f FS, fd int, st *unix.Stat_t) (bool, error) {
	if surelyKept(st.Mtim.Sec) {
		return true, nil
	}
	have, err := f.Fstat(fd)
	return have.Mtim.Sec == st.Mtim.Sec, err
}

// SameTime tells whether a file with the time b may be a copy of one with the
// time a: the same or, beyond what every file system keeps, what one made of
// it.
func SameTime(a, b unix.Timespec) bool {
	switch {
	case a == b:
		return true
	case a.Sec < math.MinInt32:
		return b.Sec >= math.MinInt32 && b.Sec <= firstSureTime
	case a.Sec < firstSureTime:
		return b.Sec >= 0 && b.Sec <= firstSureTime && b.Sec > a.Sec
	}
	return a.Sec > lastSureTime && b.Sec >= lastSureTime && b.Sec < a.Sec
}
