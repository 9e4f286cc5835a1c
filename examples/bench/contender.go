package main

import (
	"os"
	"os/exec"
	"strconv"

	"github.com/modelsigning/modelsigning/manifest"
)

// A contender is a command that hashes the model at a path.
type contender struct {
	name string
	args func(m *model, root string) []string
}

const (
	read   = "read"
	mapped = "mapped"
	naive  = "naive Go"
	memory = "memory"
)

// contenders returns those that are there and can hash m.
func contenders(o *options, m *model) []contender {
	self := func(what string) contender {
		return contender{name: what, args: func(m *model, root string) []string {
			return []string{os.Args[0], "child", what, string(m.algorithm), strconv.Itoa(o.workers), root}
		}}
	}
	list := []contender{self(read), self(mapped), self(naive)}
	if _, err := exec.LookPath("openssl"); err == nil && m.algorithm == manifest.SHA256 {
		list = append(list, contender{name: "openssl dgst", args: o.eachFile("openssl dgst -sha256")})
	}
	if _, err := exec.LookPath("b3sum"); err == nil && m.algorithm == manifest.BLAKE3 {
		list = append(list, contender{name: "b3sum", args: o.eachFile("b3sum --num-threads " + strconv.Itoa(o.workers))})
	}
	if o.python != "" {
		list = append(list, contender{name: "Python reference", args: o.reference})
	}
	return append(list, self(memory))
}

// eachFile runs a command with the files as arguments, in as many processes at a time as there are processors if there
// are many files. Each gets 500 at most, so that all processors are busy to the end; with as many as a command line
// takes, openssl needs a quarter less for 20,000 files of 4 KiB.
func (o *options) eachFile(command string) func(*model, string) []string {
	return func(m *model, root string) []string {
		each := min(500, max(1, m.files()/o.workers/2))
		return []string{"sh", "-c", `find "$0" -type f -print0 | xargs -0 -P "$1" -n "$2" ` + command + ` >/dev/null`,
			root, strconv.Itoa(o.workers), strconv.Itoa(each)}
	}
}

func (o *options) reference(m *model, root string) []string {
	const script = "import pathlib, sys\nfrom model_signing import hashing\n" +
		"hashing.Config().use_file_serialization(hashing_algorithm=sys.argv[1]).hash(pathlib.Path(sys.argv[2]))"
	return []string{o.python, "-c", script, string(m.algorithm), root}
}
