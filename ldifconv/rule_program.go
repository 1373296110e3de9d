package ldifconv

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/schema"
)

// What a run remembers is bounded: SIMS program names to print, and NMS
// commands that get a name.
const (
	maxProgramNames = 10000
	maxPrograms     = 50000
)

// programs are the programs that mail of this run is delivered to. iMS delivers
// to approved programs by name, where NMS had the command line in the entry.
// Safe for concurrent use.
type programs struct {
	mu    sync.RWMutex
	names map[string]string // command line to name
	made  []string          // command lines that got a name here, in the order of the input
	taken map[string]bool   // names that the site gave

	noted    map[string]bool // SIMS program names in use
	overflow bool            // there were more than noted holds
}

func (p *programs) init(given map[string]string) {
	p.names, p.taken, p.noted = map[string]string{}, map[string]bool{}, map[string]bool{}
	for command, name := range given {
		p.names[command] = name
		p.taken[name] = true
	}
}

// name returns the name of a command line, a new one for a command not seen
// before. New names are numbered in the order of the input whatever the number
// of workers. A command that is new when maxPrograms have names, one that is
// too long, and one with a quote that is not closed, so that nobody can tell
// which program it is, stays as it is and is a problem.
func (p *programs) name(d *draft, command []byte) string {
	p.mu.RLock()
	name, ok := p.names[string(command)]
	p.mu.RUnlock()
	if ok {
		return name
	}
	const info = schema.MailProgramDeliveryInfo
	if len(command) > delivery.MaxCommand {
		d.stays("program-long", info, command, fmt.Sprintf("is longer than %d bytes and gets no name", delivery.MaxCommand))
		return string(command)
	}
	if !delivery.ClosesQuotes(string(command)) {
		d.stays("program-quote", info, command, "has a quote that is not closed and gets no name")
		return string(command)
	}
	d.inOrder()
	p.mu.Lock()
	defer p.mu.Unlock()
	if name, ok := p.names[string(command)]; ok {
		return name
	}
	if len(p.made) == maxPrograms {
		d.stays("program-many", info, command, fmt.Sprintf("comes after %d programs and gets no name", maxPrograms))
		return string(command)
	}
	for n := len(p.made) + 1; ; n++ {
		name = "prog-" + strconv.Itoa(n)
		if !p.taken[name] {
			break
		}
	}
	p.names[string(command)] = name
	p.taken[name] = true
	p.made = append(p.made, string(command))
	return name
}

// note remembers a program name that SIMS entries use.
func (p *programs) note(name []byte) {
	p.mu.RLock()
	known := p.noted[string(name)] || p.overflow
	p.mu.RUnlock()
	if known || len(name) > delivery.MaxCommand {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.noted) == maxProgramNames {
		p.overflow = true
		return
	}
	p.noted[string(name)] = true
}

// report lists the programs: NMS commands as the lines that approve them, SIMS
// names in one line.
func (p *programs) report(log Log) {
	for _, command := range p.made {
		log.Warning("program", "", approval(p.names[command], command))
	}
	if len(p.noted) == 0 {
		return
	}
	names := make([]string, 0, len(p.noted))
	for name := range p.noted {
		names = append(names, name)
	}
	slices.Sort(names)
	text := "programs to approve on the new server with imsimta program -a: " + strings.Join(names, ", ")
	if p.overflow {
		text += " and others"
	}
	log.Warning("program", "", text)
}

// Program is a program that mail is delivered to, and that the new server has
// to be told of.
type Program struct {
	// Name is what mailProgramDeliveryInfo holds after the upgrade.
	Name string
	// Command is the command line it held before; "" when it was a name
	// already, of a program that the old server knew by it.
	Command string
}

// Script returns the command that makes the program known to iMS, for a shell:
// its executable lies in the server's own directory of programs under the last
// part of its path. Of one without a command the executable is not known, nor
// of one with a quote that is not closed: the command is a comment then, to be
// filled in.
func (p Program) Script() string {
	blank := fmt.Sprintf("# imsimta program -a -m %s -p EXECUTABLE -e user", quoteShell(p.Name))
	if p.Command == "" {
		return blank
	}
	if !delivery.ClosesQuotes(p.Command) {
		return "# was: " + oneLine(p.Command) + "\n" + blank
	}
	file, args := splitCommand(p.Command)
	line := fmt.Sprintf("imsimta program -a -m %s -p %s", quoteShell(p.Name), quoteShell(file))
	if args != "" {
		line += " -g " + quoteShell(args)
	}
	return "# was: " + oneLine(p.Command) + "\n" + line + " -e user"
}

// quoteShell writes a word for the shell.
func quoteShell(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == "" && word[0] != '-' {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// splitCommand cuts a command line into the file of the program and its
// arguments. The file ends at the first blank that is neither quoted nor
// escaped; its quotes go, those of the arguments stay.
func splitCommand(command string) (file, args string) {
	command = strings.TrimSpace(command)
	program, end, _ := delivery.CutWord(command)
	return fileOf(program), strings.TrimSpace(command[end:])
}

// fileOf is the last part of a path.
func fileOf(path []byte) string {
	return string(path[bytes.LastIndexByte(path, '/')+1:])
}

// list returns the programs: those that the site named, by name, those that got
// a name here, and those that entries named.
func (p *programs) list(given map[string]string) []Program {
	var list []Program
	for command, name := range given {
		list = append(list, Program{name, command})
	}
	slices.SortFunc(list, func(a, b Program) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Command, b.Command))
	})
	for _, command := range p.made {
		list = append(list, Program{p.names[command], command})
	}
	for _, name := range slices.Sorted(maps.Keys(p.noted)) {
		list = append(list, Program{Name: name})
	}
	return list
}

// approval is the command that makes a program known to iMS. The server looks
// for the executable in its own programs directory, by the last part of its
// path.
func approval(name, command string) string {
	file, args := splitCommand(command)
	var b bytes.Buffer
	fmt.Fprintf(&b, "imsimta program -a -m %s -p %s", quoteShell(name), quoteShell(file))
	if args != "" {
		b.WriteString(" -g " + quoteShell(args))
	}
	fmt.Fprintf(&b, " -e user (was %s)", command)
	return b.String()
}
