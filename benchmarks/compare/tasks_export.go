package main

import "imsconv/storeconv/bench"

// exportTasks make a store a tree of Maildirs, with files of its own and with
// the store's. cp copies the same messages and their indexes.
func exportTasks(s *suite) ([]task, error) {
	shape := mailShape(s.opt.size.Messages)
	if err := s.restored(shape); err != nil {
		return nil, err
	}
	totals := shape.Totals()
	var tasks []task
	for _, via := range [...]string{"copy", "hardlink"} {
		t := mailTask("export-"+via, "Export to Maildir++, --via "+via,
			"storeconv reads each message for its size with CR LF and its SHA-256, and writes the lists of UIDs, keywords, rights and quotas; cp only files.", totals)
		t.list = append(t.list, s.export(via, totals))
		if s.found("cp") {
			t.list = append(t.list, contender{name: "cp -a", role: peer, does: "cp -a store out", cmd: command{argv: []string{"cp", "-a", "store", "out"}, dir: s.dir},
				prepare: s.remove("out"), check: func(bool) error { return s.wantTree("out", ".msg", totals.Messages, totals.Bytes) }})
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func (s *suite) export(via string, t bench.Totals) contender {
	return contender{name: "storeconv export", role: ours, does: "storeconv export --store store --out out --via " + via + " --sync none",
		cmd:     command{argv: []string{s.ours["storeconv"], "export", "--store", s.at("store"), "--to", "maildir", "--out", s.at("out"), "--via", via, "--sync", "none", "--quiet"}},
		prepare: s.remove("out"),
		check: func(first bool) error {
			if first {
				return s.sayWhat("storeconv", "verify", "--maildir", s.at("out"), "--store", s.at("store"), "--quiet")
			}
			return s.wantTree("out", ":2,", t.Messages, t.Bytes)
		}}
}
