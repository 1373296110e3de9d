// Command run runs the job of its argument, in JSON, and writes in JSON what
// that took. It is the helper of benchmarks/compare.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"imsconv/benchmarks/measure"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(text string) error {
	var j measure.Job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	u, err := j.Run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(u)
}
