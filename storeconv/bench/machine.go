package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is where a measurement was made.
type Machine struct {
	CPU        string  `json:"cpu"` // as the kernel calls it
	Cores      int     `json:"cores"`
	Memory     int64   `json:"memory"` // bytes
	Kernel     string  `json:"kernel"`
	Go         string  `json:"go"`
	FileSystem string  `json:"file_system"`
	Load       float64 `json:"load"` // processes that wanted to run when it began, a minute's mean
}

// ThisMachine describes the machine, and the file system of dir.
func ThisMachine(dir string) Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), FileSystem: fileSystem(dir), Load: Load()}
	m.CPU = field("/proc/cpuinfo", "model name")
	kb, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	n, _ := strconv.ParseInt(kb, 10, 64) // 0: not known
	m.Memory = n << 10
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return m
}

// Load is how many processes want to run, a minute's mean; 0 when that is not
// known.
func Load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64) // 0: not known
	return n
}

// peakMemory is the most memory that this process has had, in bytes; 0 when
// that is not known. getrusage(2) does not tell it: its number begins with the
// size of the process that started this one.
func peakMemory() int64 {
	kb, _, _ := strings.Cut(field("/proc/self/status", "VmHWM"), " ")
	n, _ := strconv.ParseInt(kb, 10, 64) // 0: not known
	return n << 10
}

// field is the value of the first line "name: value" of a file of the kernel's;
// "" when there is none.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystems are the kinds of file systems by the numbers of statfs(2).
var fileSystems = map[int64]string{
	unix.TMPFS_MAGIC: "tmpfs", unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs", unix.F2FS_SUPER_MAGIC: "f2fs", unix.FUSE_SUPER_MAGIC: "fuse",
	0x2fc12fc1: "zfs", 0x0bd00bd0: "lustre", 0x47504653: "gpfs", unix.CEPH_SUPER_MAGIC: "ceph",
}

// fileSystem is the kind of file system that dir is on, by name or number.
func fileSystem(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return "unknown"
	}
	if name, ok := fileSystems[int64(st.Type)]; ok {
		return name
	}
	return "0x" + strconv.FormatInt(int64(st.Type), 16)
}
