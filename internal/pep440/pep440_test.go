package pep440_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/pep440"
)

func version(t testing.TB, s string) pep440.Version {
	t.Helper()
	v, err := pep440.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The order of PEP 440's own example, with a few more.
func TestOrder(t *testing.T) {
	sorted := strings.Fields(`0.9 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456
		1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0+5.1 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1
		99999999999999999999999999999999999999 1!0.1`)
	for i, a := range sorted {
		for j, b := range sorted {
			got, want := version(t, a).Compare(version(t, b)), 0
			if want = i - j; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("%s, %s: got %d, want a number as %d", a, b, got, want)
			}
			if c, d := version(t, a).Canonical(), version(t, b).Canonical(); (c == d) != (want == 0) {
				t.Errorf("%s, %s: canonical forms are %s, %s", a, b, c, d)
			}
		}
	}
}

func TestParse(t *testing.T) {
	if got := version(t, "0.0.0a1").Canonical(); got != "0a1" {
		t.Errorf("got %q", got)
	}
	for s, want := range map[string]string{
		" V1.02.0-ALPHA_07 ": "1.2.0a7", "1-1": "1.post1", "1.0c": "1.0rc0", "0!1.0+Ubuntu-01_x": "1.0+ubuntu.1.x",
		"1.0-rev2.dev": "1.0.post2.dev0", "2!1": "2!1", "1.0a.": "1.0a0",
	} {
		if got := version(t, s).String(); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	for _, s := range []string{
		"", "1.", ".1", "1..2", "a", "1.0+", "1.0+a..b", "1.0.*", "1!", "!1", "-1", "1 2", "1.0rc1rc2", "1.0\x00", "１.0",
		"1.0po\u017ft1", "1.0+\u212a", "1.0,2.0", strings.Repeat("1", 257), "1" + strings.Repeat(".1", 1<<20),
	} {
		if v, err := pep440.Parse(s); err == nil {
			t.Errorf("%.40q: got %s and no error", s, v)
		}
	}
}

func TestSpecifiers(t *testing.T) {
	for _, c := range []struct {
		specifiers, version string
		contain, surround   bool
	}{
		{"<2.17.1", "2.17.0", true, true},
		{"<2.17.1", "2.17.1", false, false},
		{"<2.17.1", "2.17.1rc1", false, true},
		{"<2.17.1", "2.17.1+cpu", false, false},
		{"<2.17.1", "2.17.0+cpu", true, true},
		{"<=2.17.1", "2.17.1+cpu", true, true},
		{"==2.17.1", "2.17.1+cpu", true, true},
		{"==2.17.*", "2.17", true, true},
		{"==1.0.*", "1", true, true},
		{"==1.0.*", "1.0a1.dev2", true, true},
		{">1.7", "1.7.0.post1", false, true},
		{">1.7a1", "1.7.post1", true, true},
		{">1.7.dev1", "1.7.post1", true, true},
		{">1.7", "1.7+local", false, false},
		{">=2,<3", "2.5", true, true},
		{">=2,<3", "3.0", false, false},
		{"~=2.2", "2.9", true, true},
		{"~=2.2.0", "2.3", false, false},
		{"~=2.2.post3", "2.2", false, false},
		{"!=2.*", "2.0.0", false, false},
		{"===2.0+a", "2.0+A", true, true},
		{"===foo", "2.0", false, false},
		{"<1!0", "99", true, true},
	} {
		s, err := pep440.ParseSpecifiers(c.specifiers)
		if err != nil {
			t.Fatal(err)
		}
		v := version(t, c.version)
		if s.Contain(v) != c.contain || s.Surround(v) != c.surround {
			t.Errorf("%s, %s: got %v, %v, want %v, %v", c.specifiers, c.version, s.Contain(v), s.Surround(v), c.contain, c.surround)
		}
	}
	for _, s := range []string{
		"", ",", "<", "1.0", "=1.0", "=>1.0", "<1.0,", "<1.*", "~=1", "~=1.*", ">=1+local", "==1.0.dev1.*", "==1.0a1.*", "==1+a.*", "===", "===a b",
		"<1.0;x", "<1.0 >2", strings.Repeat("<1,", 64) + "<1", "<" + strings.Repeat("1", 300), "==1.0\x00",
	} {
		if _, err := pep440.ParseSpecifiers(s); err == nil {
			t.Errorf("%.40q: got no error", s)
		}
	}
}

// Thousands of random versions and specifiers mean what they mean to pip's library.
func TestAgainstPackaging(t *testing.T) {
	python := os.Getenv("MODEL_SIGNING_PYTHON")
	if python == "" {
		t.Skip("MODEL_SIGNING_PYTHON names no Python with pip; go run ./internal/check installs it")
	}
	r := rand.New(rand.NewPCG(4, 40))
	var questions bytes.Buffer
	var got []string
	ask := func(answer string, question ...string) {
		line, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		questions.Write(append(line, '\n'))
		got = append(got, answer)
	}
	for range 8_000 {
		specifiers, a, b := randomSpecifier(r), randomVersion(r), randomVersion(r)
		if r.IntN(2) == 0 { // of the same release, where the rules are
			a = strings.TrimRight(specifiers, " \n.*")
			a = strings.TrimLeft(a, "=!<>~ ") + pick(r, "", "a1", "rc1", ".post0", ".post1", ".dev0", "+cpu", ".0", ".1")
			a = pick(r, a, strings.TrimRight(a, "0123456789"), strings.TrimLeft(a, "0123456789!"))
		}
		if r.IntN(3) == 0 {
			specifiers += "," + randomSpecifier(r)
		}
		if r.IntN(8) == 0 {
			b = strings.ToUpper(strings.Replace(a, "rc", "c", 1)) // the same in another spelling
		}
		ask(match(specifiers, a), "match", specifiers, a)
		ask(compare(a, b), "compare", a, b)
		ask(normal(b), "version", b)
	}
	cmd := exec.Command(python, "testdata/answers.py")
	cmd.Stdin, cmd.Stderr = &questions, os.Stderr
	asked := strings.Split(questions.String(), "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(out))
	if len(want) != len(got) {
		t.Fatalf("%d answers for %d questions", len(want), len(got))
	}
	wrong, answers := 0, map[string]int{}
	for i := range got {
		answers[want[i]]++
		if got[i] != want[i] && wrong < 20 {
			wrong++
			t.Errorf("%s: got %s, want %s", asked[i], got[i], want[i])
		}
	}
	for _, a := range []string{"null", "true", "false", "-1", "0", "1"} {
		if answers[a] < 20 {
			t.Errorf("only %d questions have the answer %s", answers[a], a)
		}
	}
}

func match(specifiers, text string) string {
	s, err := pep440.ParseSpecifiers(specifiers)
	v, err2 := pep440.Parse(text)
	if err != nil || err2 != nil {
		return "null"
	}
	return fmt.Sprint(s.Contain(v))
}

func compare(a, b string) string {
	v, err := pep440.Parse(a)
	w, err2 := pep440.Parse(b)
	if err != nil || err2 != nil {
		return "null"
	}
	return fmt.Sprint(v.Compare(w))
}

func normal(text string) string {
	v, err := pep440.Parse(text)
	if err != nil {
		return "null"
	}
	return fmt.Sprintf("%q", v)
}

func pick(r *rand.Rand, s ...string) string { return s[r.IntN(len(s))] }

func randomVersion(r *rand.Rand) string {
	v := pick(r, "", "", "", "", "", "", "v", "V", " ") + pick(r, "", "", "", "0!", "1!") + pick(r, "0", "1", "1", "01", "2", "17")
	for range r.IntN(4) {
		v += "." + pick(r, "0", "0", "1", "2", "10", "007", "x")
		v = strings.TrimSuffix(v, ".x")
	}
	if r.IntN(3) == 0 {
		v += pick(r, "", "-", "_", ".") + pick(r, "a", "b", "rc", "c", "alpha", "BETA", "pre", "preview", "d") + pick(r, "", "", ".", "-") + pick(r, "", "0", "1", "2")
	}
	if r.IntN(3) == 0 {
		v += pick(r, ".post1", "-1", ".post", "post0", ".rev2", "-r3", "--1")
	}
	if r.IntN(4) == 0 {
		v += pick(r, ".dev0", "dev", "-dev3", ".dev1", "_dev_1")
	}
	if r.IntN(4) == 0 {
		v += pick(r, "+cpu", "+cu118", "+1", "+abc.1", "+1.2", "+abc-2", "+ubuntu_01", "+", "+a..b")
	}
	return v + pick(r, "", "", "", "", "", "", "", " ", "\n", ".")
}

func randomSpecifier(r *rand.Rand) string {
	v := randomVersion(r)
	if r.IntN(4) == 0 {
		v, _, _ = strings.Cut(v, "+")
		v += ".*"
	}
	return pick(r, "==", "!=", "<=", ">=", "<", ">", "~=", "===", "=", "") + pick(r, "", "", " ") + v
}

// What is accepted is stable: its normal form means the same and is its own normal form.
func FuzzParse(f *testing.F) {
	f.Add("1!2.0rc1.post2.dev3+abc.4", ">=1.0,<2")
	f.Add("v1-1", "==1.0.*")
	f.Fuzz(func(t *testing.T, text, specifiers string) {
		v, err := pep440.Parse(text)
		if err != nil {
			return
		}
		again, err := pep440.Parse(v.String())
		if err != nil || again.Compare(v) != 0 || again.String() != v.String() {
			t.Errorf("%q becomes %q, and that %q, %v", text, v, again, err)
		}
		if again, err = pep440.Parse(v.Canonical()); err != nil || again.Compare(v) != 0 {
			t.Errorf("%q has the canonical form %q, which is another version", text, v.Canonical())
		}
		if s, err := pep440.ParseSpecifiers(specifiers); err == nil && s.Contain(v) && !s.Surround(v) && !strings.ContainsAny(specifiers, "<>") {
			t.Errorf("%q contains %q and does not surround it", specifiers, v)
		}
	})
}
