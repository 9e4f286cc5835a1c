package pypackages

import (
	"fmt"

	"github.com/modelsigning/modelsigning/internal/strictjson"
)

// ParseReport reads what pip install --report writes, in its version 1. The coverage is [Installation]: packages that
// met a requirement and were there already are not in it.
func ParseReport(data []byte) (List, error) {
	if err := checkSize(data); err != nil {
		return List{}, err
	}
	r := reportReader{names: map[string]bool{}}
	if err := strictjson.Decode(data, r.report); err != nil {
		return List{}, fmt.Errorf("report of pip: %w", err)
	}
	return List{sorted(r.packages), Installation}, nil
}

type reportReader struct {
	packages []Package
	names    map[string]bool
}

func (r *reportReader) report(d *strictjson.Decoder) error {
	var version string
	install := false
	err := d.Object(func(name string) (err error) {
		switch name {
		case "version":
			if version, err = d.String(); err == nil && version != "1" {
				err = d.Errorf("is %.20q, and only 1 is known", version)
			}
			return err
		case "install":
			install = true
			return d.Array(func(int) error { return r.item(d) })
		}
		return d.Skip()
	})
	if err == nil && (version == "" || !install) {
		err = d.Errorf("no member version, or none that is named install")
	}
	return err
}

// item is what the report says of one package.
type item struct {
	name, version string
	from          source
	direct        bool // from a URL, not from an index
	requested     bool
	digests       map[string]string
}

func (r *reportReader) item(d *strictjson.Decoder) error {
	it := item{digests: map[string]string{}}
	err := d.Object(func(name string) (err error) {
		switch name {
		case "metadata":
			return it.metadata(d)
		case "download_info":
			return it.downloadInfo(d)
		case "is_direct":
			it.direct, err = d.Bool()
			return err
		case "requested":
			it.requested, err = d.Bool()
			return err
		}
		return d.Skip()
	})
	if err != nil {
		return err
	}
	if it.version == "" {
		return d.Errorf("has no version")
	}
	p, err := it.make()
	switch {
	case err != nil:
		return err
	case r.names[p.Name]:
		return d.Errorf("is the second package named %s", p.Name)
	case len(r.packages) == MaxPackages:
		return d.Errorf("more than %d packages", MaxPackages)
	}
	r.names[p.Name] = true
	r.packages = append(r.packages, p)
	return nil
}

func (it *item) make() (Package, error) {
	from := it.from
	if !it.direct { // then the URL is that of a file in an index, and not a part of the package's name
		from = source{}
	}
	p, err := newPackage(it.name, it.version, from)
	p.URL, p.Direct = cleanURL(it.from.url), it.requested
	if len(it.digests) > 0 {
		p.Digests = it.digests
	}
	return p, err
}

func (it *item) metadata(d *strictjson.Decoder) error {
	return d.Object(func(name string) (err error) {
		switch name {
		case "name":
			it.name, err = d.String()
			return err
		case "version":
			it.version, err = d.String()
			return err
		}
		return d.Skip()
	})
}

func (it *item) downloadInfo(d *strictjson.Decoder) error {
	return d.Object(func(name string) (err error) {
		switch name {
		case "url":
			it.from.url, err = d.String()
			return err
		case "vcs_info":
			return it.vcsInfo(d)
		case "archive_info":
			return it.archiveInfo(d)
		}
		return d.Skip()
	})
}

// vcsInfo reads which commit was taken. A commit of git counts as a digest.
func (it *item) vcsInfo(d *strictjson.Decoder) error {
	err := d.Object(func(name string) (err error) {
		switch name {
		case "vcs":
			it.from.vcs, err = d.String()
			return err
		case "commit_id":
			it.from.commit, err = d.String()
			return err
		}
		return d.Skip()
	})
	if err == nil && !isVCS(it.from.vcs) {
		err = d.Errorf("no version control that is known")
	}
	if err == nil && it.from.vcs == "git" {
		if !isHex(it.from.commit, 40) && !isHex(it.from.commit, 64) {
			return d.Errorf("commit_id is not that of a commit of git")
		}
		it.digests["gitCommit"] = it.from.commit
	}
	return err
}

// archiveInfo reads digests. Those that pip does not call strong are left out.
func (it *item) archiveInfo(d *strictjson.Decoder) error {
	return d.Object(func(name string) error {
		if name != "hashes" {
			return d.Skip() // "hash" is the older form of the same
		}
		return d.Object(func(algorithm string) error {
			digest, err := d.String()
			size, strong := digestSizes[algorithm]
			switch {
			case err != nil:
				return err
			case !strong:
				return nil
			case !isHex(digest, size):
				return d.Errorf("is not a digest of this algorithm")
			}
			it.digests[algorithm] = digest
			return nil
		})
	})
}

func isVCS(s string) bool { return s == "git" || s == "hg" || s == "svn" || s == "bzr" }
