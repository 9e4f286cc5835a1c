package manifest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/manifest"
)

func samplePlan() *manifest.Plan {
	return &manifest.Plan{Name: "é<m>", Slices: 3,
		Serialization: manifest.Serialization{Method: manifest.Shards, Algorithm: manifest.SHA256, ShardSize: 10, IgnorePaths: []string{".git", "a\"b"}},
		Files: []manifest.Entry{{Path: "a\nb/\\c", Size: 25, ModTime: -1}, {Path: "empty", ModTime: 1<<63 - 1},
			{Path: "é\u2028", Size: 5, ModTime: -1 << 63}}}
}

func samplePart() *manifest.Partial {
	p := samplePlan()
	return &manifest.Partial{Name: p.Name, Serialization: p.Serialization, Slice: 1, Slices: 3, Inventory: p.Inventory(),
		Segments: []manifest.Segment{
			{Entry: p.Files[0], First: 0, Digests: []string{digest("0").Hex}},
			{Entry: p.Files[0], First: 2, Digests: []string{digest("2").Hex}},
			{Entry: p.Files[1]}}}
}

func encoded(t testing.TB, p json.Marshaler) []byte {
	t.Helper()
	data, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A document is JSON that stays the same on its way through package json.
func TestJSON(t *testing.T) {
	plan, part := samplePlan(), samplePart()
	for _, doc := range []json.Marshaler{plan, part} {
		data := encoded(t, doc)
		again, err := json.Marshal(doc)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("json.Marshal: %v\n%s, want\n%s", err, again, data)
		}
	}
	var gotPlan manifest.Plan
	if err := json.Unmarshal(encoded(t, plan), &gotPlan); err != nil || !reflect.DeepEqual(&gotPlan, plan) {
		t.Errorf("got %+v, %v, want %+v", gotPlan, err, plan)
	}
	var gotPart manifest.Partial
	if err := json.Unmarshal(encoded(t, part), &gotPart); err != nil || !reflect.DeepEqual(&gotPart, part) {
		t.Errorf("got %+v, %v, want %+v", gotPart, err, part)
	}
	if sum := plan.Inventory().Hex; !strings.HasSuffix(string(encoded(t, plan)), sum+`"}`) {
		t.Errorf("the plan does not end in its inventory %s", sum)
	}
	files := planOf(byFile, 2, 1)
	files.Serialization.IgnorePaths = nil
	got, err := manifest.ParsePlan(encoded(t, files))
	if err != nil || !reflect.DeepEqual(got, files) {
		t.Errorf("got %+v, %v, want %+v", got, err, files)
	}
}

// Whatever is cut off, and whatever byte is changed, is noticed.
func TestDamaged(t *testing.T) {
	plan, part := encoded(t, samplePlan()), encoded(t, samplePart())
	try := func(what string, plan, part []byte) {
		t.Helper()
		if p, err := manifest.ParsePlan(plan); p != nil || !errors.Is(err, manifest.ErrPlan) {
			t.Fatalf("%s: got %v, %v", what, p, err)
		}
		if p, err := manifest.ParsePartial(part); p != nil || !errors.Is(err, manifest.ErrPartial) {
			t.Fatalf("%s: got %v, %v", what, p, err)
		}
	}
	for i := range min(len(plan), len(part)) {
		try("cut short", plan[:len(plan)-1-i], part[:len(part)-1-i])
		a, b := bytes.Clone(plan), bytes.Clone(part)
		a[i] ^= 1
		b[i] ^= 1
		try(fmt.Sprint("changed at ", i), a, b)
	}
	for i := range part {
		try("cut short", nil, part[:i])
	}
	try("more behind it", append(bytes.Clone(plan), '\n'), append(bytes.Clone(part), ' '))
	try("each other's", part, plan)
}

// reseal makes a document with a true checksum of what somebody has edited.
func reseal(body string) []byte {
	return fmt.Appendf(nil, `%s,"sha256":"%x"}`, body, sha256.Sum256([]byte(body)))
}

func unsealed(data []byte) string {
	body, _, _ := strings.Cut(string(data), `,"sha256":"`)
	return body
}

// A checksum that fits makes no other spelling and no other content acceptable.
func TestForged(t *testing.T) {
	part := unsealed(encoded(t, samplePart()))
	if _, err := manifest.ParsePartial(reseal(part)); err != nil {
		t.Fatal(err)
	}
	hex := digest("0").Hex
	for _, edit := range [][2]string{
		{`"slice":1`, `"slice": 1`},
		{`"slice":1`, `"slice":01`},
		{`"slice":1`, `"slice":1.0`},
		{`"slice":1`, `"slice":"1"`},
		{`"slice":1`, `"slice":-1`},
		{`"slice":1`, `"slice":3`},
		{`"slice":1`, `"slice":4294967297`},
		{`"slice":1`, `"slice":1,"slice":1`},
		{`"slice":1`, `"Slice":1`},
		{`"slice":1`, `"slice":1,"extra":1`},
		{`"slices":3`, `"slices":0`},
		{`"slices":3`, `"slices":100001`},
		{`"slices":3`, `"slices":99999999999999999999`},
		{`"method":"shards"`, `"method":"files"`},
		{`"hash_type":"sha256"`, `"hash_type":"md5"`},
		{`"hash_type":"sha256"`, `"hash_type":"blake2b"`},
		{`"shard_size":10`, `"shard_size":0`},
		{`"shard_size":10,`, ``},
		{`"path":"empty"`, `"path":"\u0065mpty"`},
		{`"path":"empty"`, `"path":"../empty"`},
		{`"path":"empty"`, `"path":"/empty"`},
		{`"path":"empty"`, `"path":""`},
		{`"path":"empty"`, "\"path\":\"e\\u0000\""},
		{`"path":"empty"`, "\"path\":\"\xff\""},
		{`"path":"empty"`, "\"path\":\"\\ud800\""},
		{`"path":"empty"`, `"path":"a"`},
		{`"size":0`, `"size":-0`},
		{`"size":0`, `"size":5`},
		{`"size":25`, `"size":26`},
		{`"first":2`, `"first":0`},
		{`"first":2`, `"first":3`},
		{`"first":2`, `"first":-1`},
		{hex, strings.ToUpper(hex)},
		{hex, hex[1:]},
		{`"` + hex + `"`, `"` + hex + `","` + hex + `","` + hex + `","` + hex + `"`},
		{`"` + hex + `"`, ``},
		{`"segments":[`, `"segments":[,`},
		{`"inventory":"`, `"inventory":"0`},
	} {
		edited := strings.Replace(part, edit[0], edit[1], 1)
		if edited == part {
			t.Fatalf("there is no %s", edit[0])
		}
		if p, err := manifest.ParsePartial(reseal(edited)); p != nil || !errors.Is(err, manifest.ErrPartial) {
			t.Errorf("%s in the place of %s: got %v, %v", edit[1], edit[0], p, err)
		}
	}
	if _, err := manifest.ParsePlan([]byte(`{"format":"modelsigning/plan/v2","name":`)); err == nil || !strings.Contains(err.Error(), "format") {
		t.Errorf("another version: got %v", err)
	}
}

// What is read, is written the same.
func FuzzParsePartial(f *testing.F) {
	f.Add(unsealed(encoded(f, samplePart())))
	f.Add(unsealed(encoded(f, part(planOf(byFile, 2, 1, 2), 0))))
	f.Fuzz(func(t *testing.T, body string) {
		data := reseal(body)
		p, err := manifest.ParsePartial(data)
		if err != nil {
			if p, err := manifest.ParsePartial([]byte(body)); err == nil {
				t.Errorf("got %v without a checksum", p)
			}
			return
		}
		if !bytes.Equal(encoded(t, p), data) {
			t.Errorf("%s is read as %s", data, encoded(t, p))
		}
		manifest.Merge(p)
	})
}

func FuzzParsePlan(f *testing.F) {
	f.Add(unsealed(encoded(f, samplePlan())))
	f.Add(unsealed(encoded(f, planOf(byFile, 2, 1, 2))))
	f.Fuzz(func(t *testing.T, body string) {
		data := reseal(body)
		p, err := manifest.ParsePlan(data)
		if err != nil {
			return
		}
		if !bytes.Equal(encoded(t, p), data) {
			t.Errorf("%s is read as %s", data, encoded(t, p))
		}
		if p.Slices > 8 || len(p.Files) > 100 {
			return
		}
		units := 0
		for i := range p.Slices {
			units += len(p.Slice(i))
		}
		if units < len(p.Files) {
			t.Errorf("%d files are %d units", len(p.Files), units)
		}
	})
}
