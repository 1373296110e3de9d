package flags

import (
	"fmt"
	"slices"

	"imsconv/cmd/internal/cli"
)

// OpenText opens a file of text. One that is of any known kind but those of
// right is refused; no says what it is not. The caller closes it.
func OpenText(job *cli.Job, path, no string, right ...string) (*cli.Input, error) {
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	head, err := in.Head()
	if err == nil && len(head) > 0 {
		if kind := cli.Kind(head); kind != "" && !slices.Contains(right, kind) {
			err = fmt.Errorf("is %s, %s", kind, no)
		}
	}
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	return in, nil
}
