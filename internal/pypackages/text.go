package pypackages

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// eachLine calls f for the lines of a text, with their numbers, where a backslash at the end of a line joins it to the
// next if join is set. White space at both ends is gone, and so are empty lines.
func eachLine(data []byte, join bool, f func(line string) error) error {
	if err := checkSize(data); err != nil {
		return err
	}
	if err := checkText(data); err != nil {
		return err
	}
	var long strings.Builder
	number, first, open := 0, 1, false
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		if line = strings.TrimRight(line, "\r\n"); long.Len()+len(line) > maxLine {
			return fmt.Errorf("line %d: longer than %d bytes", number, maxLine)
		}
		comment := strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") // which goes not on, but ends what did
		if start, joined := strings.CutSuffix(line, `\`); join && joined && !comment {
			long.WriteString(start)
			open = true
			continue
		}
		if comment && open {
			long.WriteByte(' ')
		}
		long.WriteString(line)
		if text := strings.TrimSpace(long.String()); text != "" {
			if err := f(text); err != nil {
				return fmt.Errorf("line %d: %w", first, err)
			}
		}
		long.Reset()
		first, open = number+1, false
	}
	if open {
		return fmt.Errorf("line %d: a backslash, and no line behind it", first)
	}
	return nil
}

// Python breaks lines at more characters than \n, and reads a file as its first two lines say. A text that pip would
// read in another way than eachLine is refused.
var codingComment = regexp.MustCompile(`^[^\n]*\n?[^\n]*#[^\n]*coding[:=]\s*([-\w.]+)`)

func checkText(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("is not text in UTF-8")
	}
	if m := codingComment.FindSubmatch(data); m != nil && !strings.EqualFold(string(m[1]), "utf-8") {
		return fmt.Errorf("declares the encoding %.40q, and only utf-8 is known", m[1])
	}
	line := 1
	for i, r := range string(data) {
		switch {
		case r == '\n':
			line++
		case r == '\t' || r == '\r' && i+1 < len(data) && data[i+1] == '\n':
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return fmt.Errorf("line %d: has a control character, %q", line, r)
		}
	}
	return nil
}

var errNoName = errors.New("no name of a package")

// splitName splits off the name at the start of a requirement, and the extras in brackets behind it.
func splitName(s string) (name, rest string, err error) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
	if end < 0 {
		end = len(s)
	}
	name, rest = s[:end], strings.TrimSpace(s[end:])
	if name == "" {
		return "", "", errNoName
	}
	if extras, ok := strings.CutPrefix(rest, "["); ok {
		if extras, rest, ok = strings.Cut(extras, "]"); !ok {
			return "", "", errors.New("no ] behind the extras")
		}
		if strings.Trim(strings.ToLower(extras), "abcdefghijklmnopqrstuvwxyz0123456789-_., \t") != "" {
			return "", "", errors.New("extras that are no names")
		}
		rest = strings.TrimSpace(rest)
	}
	return name, rest, nil
}

// parseSource reads a URL as requirements have it: git+https://host/path@revision#egg=name, or that of a file. It
// returns what the fragment says, too.
func parseSource(s string) (from source, fragment url.Values, err error) {
	if s == "" || strings.ContainsAny(s, " \t") {
		return source{}, nil, errors.New("no URL, or one with spaces in it")
	}
	s, hash, _ := strings.Cut(s, "#")
	if fragment, err = url.ParseQuery(hash); err != nil {
		return source{}, nil, errors.New("a URL with a bad fragment")
	}
	vcs, plain, found := strings.Cut(s, "+")
	if !found || !isVCS(vcs) {
		return source{url: s}, fragment, nil
	}
	from = source{url: plain, vcs: vcs}
	// A revision is behind the last @ of the path, not that of a user.
	if at := strings.LastIndexByte(plain, '@'); at > hostEnd(plain) {
		from.url = plain[:at]
		if isHex(plain[at+1:], 40) || isHex(plain[at+1:], 64) { // and not a branch, which moves
			from.commit = plain[at+1:]
		}
	}
	return from, fragment, nil
}

// hostEnd returns where the path of a URL begins.
func hostEnd(s string) int {
	start := strings.Index(s, "://")
	if start < 0 {
		return len(s)
	}
	if slash := strings.IndexByte(s[start+3:], '/'); slash >= 0 {
		return start + 3 + slash
	}
	return len(s)
}

// digests returns what is known of the content behind a source: its commit, or what its fragment says.
func (s source) digests(fragment url.Values) map[string]string {
	known := map[string]string{}
	if s.vcs == "git" && s.commit != "" {
		known["gitCommit"] = s.commit
	}
	for algorithm, size := range digestSizes {
		if digest := strings.ToLower(fragment.Get(algorithm)); isHex(digest, size) {
			known[algorithm] = digest
		}
	}
	if len(known) == 0 {
		return nil
	}
	return known
}
