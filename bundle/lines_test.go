package bundle_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/bundle"
)

func TestReadAll(t *testing.T) {
	one, err := key(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	a := string(one)
	pretty := strings.NewReplacer(`{"`, "{\n \"", `":"`, `": "`).Replace(a)
	for name, test := range map[string]struct {
		data  string
		count int
	}{
		"one":                 {a, 1},
		"one with a line end": {a + "\r\n", 1},
		"over several lines":  {pretty, 1},
		"lines":               {a + "\n" + a + "\n\n" + pretty + "\n", 3},
		"without lines":       {a + a, 2},
		"as many as may be":   {strings.Repeat(a+"\n", bundle.MaxBundles), bundle.MaxBundles},
	} {
		all, err := bundle.ReadAll(strings.NewReader(test.data), bundle.MaxSize)
		if err != nil || len(all) != test.count {
			t.Errorf("%s: got %d bundles, %v", name, len(all), err)
		}
		for _, b := range all {
			if string(b.UnverifiedStatement()) != string(key(t).UnverifiedStatement()) {
				t.Errorf("%s: other statement", name)
			}
		}
	}
	bare := `{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA","cert":"x"}]}`
	for name, test := range map[string]struct {
		data, want string
	}{
		"nothing":             {"", "there is no bundle"},
		"white space":         {" \n\t\r", "there is no bundle"},
		"an array":            {"[" + a + "]", "bundle 1: "},
		"a comma":             {a + "," + a, "bundle 2: "},
		"a half":              {a + "\n" + a[:len(a)-1], "bundle 2: "},
		"a text":              {a + "\nend", "bundle 2: "},
		"a brace too many":    {a + "}", "bundle 2: "},
		"too many":            {strings.Repeat(a+"\n", bundle.MaxBundles+1), "more than 256 bundles"},
		"a bare envelope":     {bare, "bundle 1: is a DSSE envelope"},
		"one behind a bundle": {a + "\n" + bare, "bundle 2: is a DSSE envelope"},
	} {
		_, err := bundle.ReadAll(strings.NewReader(test.data), bundle.MaxSize)
		if !errors.Is(err, bundle.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want %q", name, err, test.want)
		}
		if want := strings.Contains(test.want, "DSSE"); errors.Is(err, bundle.ErrBareEnvelope) != want {
			t.Errorf("%s: got error %v, ErrBareEnvelope %t", name, err, want)
		}
	}
	if _, err := bundle.ReadAll(strings.NewReader(a+a), int64(len(a))); !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("above the limit: got error %v", err)
	}
}

func TestReadAllFile(t *testing.T) {
	one, err := key(t).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "all.jsonl")
	if err := os.WriteFile(name, bytes.Repeat(one, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := bundle.ReadAllFile(name, 1<<20); err != nil || len(all) != 2 {
		t.Errorf("got %d bundles, %v", len(all), err)
	}
	if _, err := bundle.ReadAllFile(name, 10); !errors.Is(err, bundle.ErrMalformed) || !strings.HasPrefix(err.Error(), name) {
		t.Errorf("above the limit: got error %v", err)
	}
	path := new(os.PathError)
	if _, err := bundle.ReadAllFile(filepath.Dir(name), 1<<20); !errors.As(err, &path) {
		t.Errorf("a directory: got error %v", err)
	}
}

// What a bundle of several holds is what each of them holds alone.
func FuzzReadAll(f *testing.F) {
	one, err := key(f).MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(append([]byte{}, one...), one...))
	f.Add([]byte(`{"payload":"\"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := bundle.ReadAll(bytes.NewReader(data), bundle.MaxSize)
		if err != nil {
			if !errors.Is(err, bundle.ErrMalformed) {
				t.Errorf("got %v, which is not ErrMalformed", err)
			}
			return
		}
		if alone, err := bundle.Parse(data); (err == nil) != (len(all) == 1) ||
			err == nil && !bytes.Equal(alone.UnverifiedStatement(), all[0].UnverifiedStatement()) {
			t.Errorf("%d bundles, and alone: %v", len(all), err)
		}
		for _, b := range all {
			roundTrip(t, b)
		}
	})
}
