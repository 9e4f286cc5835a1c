package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

func TestShow(t *testing.T) {
	var out strings.Builder
	dir := t.TempDir()
	if err := show(&out, dir, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"All that is made here lies in " + dir + ", which is removed at the end.",
		"signed: files 3, root digest 769b06a10def432a",
		`model is not what was signed: 1 changed ("model.safetensors")`,
		"the changed one was caught",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %q", &out, want)
		}
	}
}

// A model that is given stays as it is, to the byte and to the file.
func TestShowGiven(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	if err := writeModel(model); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(dir, "single.bin")
	if err := os.WriteFile(single, bytes.Repeat([]byte("weights"), copyLimit), 0o444); err != nil {
		t.Fatal(err)
	}
	before, err := hashing.Hash(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{model, single} {
		var out strings.Builder
		if err := show(&out, t.TempDir(), []string{given}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "Your model stays as it is.") ||
			!strings.HasSuffix(out.String(), "the changed one was caught.\n") {
			t.Errorf("%s: got %s", given, &out)
		}
	}
	after, err := hashing.Hash(dir)
	if err != nil || !before.Diff(after).Empty() {
		t.Errorf("the model changed: %v, %v", before.Diff(after), err)
	}
}

// A model that is not there is wrong usage, such as the [MODEL] of the README.
func TestCheck(t *testing.T) {
	if err := errors.Join(check(nil), check([]string{t.TempDir()})); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"[MODEL]"}, {""}, {"a", "b"}} {
		if err := check(args); err == nil || strings.Contains(err.Error(), "stat") {
			t.Errorf("%q: got %v", args, err)
		}
	}
}

func TestShowFails(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{empty, t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		var out strings.Builder
		if err := show(&out, t.TempDir(), []string{given}); err == nil {
			t.Errorf("%s: success: %s", given, &out)
		}
	}
}

// A change that verifying does not see must make the command fail.
func TestSpoilUnnoticed(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	if err := writeModel(model); err != nil {
		t.Fatal(err)
	}
	if err := makeKeys(dir); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s := signer{&out, dir}
	if err := s.signAndVerify(model, "model.sig"); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(dir, "key.pub.copy")
	if err := os.WriteFile(outside, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.spoil(model, outside, "model.sig"); err == nil {
		t.Errorf("a change outside of the model counts as caught: %s", &out)
	}
}

func TestSafetensors(t *testing.T) {
	file, err := safetensors()
	if err != nil {
		t.Fatal(err)
	}
	length := binary.LittleEndian.Uint64(file)
	if length%8 != 0 {
		t.Errorf("tensors begin at %d, which is not aligned", 8+length)
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(file[8:8+length], &header); err != nil {
		t.Fatal(err)
	}
	end := 0
	for _, name := range []string{"embedding.weight", "output.weight"} {
		var got tensor
		if err := json.Unmarshal(header[name], &got); err != nil {
			t.Fatal(err)
		}
		if got.Offsets[0] != end || got.Offsets[1]-end != 4*got.Shape[0]*got.Shape[1] {
			t.Errorf("%s: %+v, want it to begin at %d", name, got, end)
		}
		end = got.Offsets[1]
	}
	if want := len(file) - 8 - int(length); end != want {
		t.Errorf("tensors end at %d of %d bytes", end, want)
	}
	if again, _ := safetensors(); !bytes.Equal(again, file) {
		t.Error("the weights are not the same each time")
	}
}
