package strictjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/internal/strictjson"
)

func skip(d *strictjson.Decoder) error { return d.Skip() }

func TestSkip(t *testing.T) {
	for doc, want := range map[string]string{
		`{"a":[1,-2.5e+3,"x",true,false,null,{}],"b":{}}`: "",
		" [ ] ":                                "",
		`0`:                                    "",
		`"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t"`: "",
		``:                                     "the document ends where a value should be",
		`[1,]`:                                 "[1]: ']' does not begin a value",
		`[1 2]`:                                "[0]: no comma or ']' behind the value",
		`{"a" 1}`:                              "a: no colon behind the name",
		`{"a":1,}`:                             "is not a string",
		`{1:1}`:                                "is not a string",
		`[01]`:                                 "[0]: no comma or ']' behind the value",
		`[1.]`:                                 "[0]: '1' does not begin a value",
		`[.5]`:                                 "[0]: '.' does not begin a value",
		`[+1]`:                                 "[0]: '+' does not begin a value",
		`[1e]`:                                 "[0]: '1' does not begin a value",
		`[-]`:                                  "[0]: '-' does not begin a value",
		`[NaN]`:                                "[0]: 'N' does not begin a value",
		`[tru]`:                                "[0]: 't' does not begin a value",
		`["a`:                                  "[0]: the document ends inside a string",
		`["\x"]`:                               "[0]: bad escape in a string",
		`["\u12"]`:                             "[0]: bad escape in a string",
		`["\ud800"]`:                           "[0]: bad escape in a string",
		`["\ud800\u0041"]`:                     "[0]: bad escape in a string",
		`["\udc00\ud800"]`:                     "[0]: bad escape in a string",
		"[\"\t\"]":                             "[0]: control character 0x09 in a string",
		"[\"\xff\"]":                           "[0]: is not valid UTF-8",
		"[\"\xed\xa0\x80\"]":                   "[0]: is not valid UTF-8",
		`{"a":{"b":1,"b":2}}`:                  "a.b: is there twice",
		`{"a":1,"\u0061":2}`:                   "a: is there twice",
		`{"ab":1,"AB":2}`:                      "AB: is there twice",
		`{"ab":1,"a_B":2}`:                     "a_B: is there twice",
		`{"k":1,"` + "\u212a" + `":2}`:         `"\u212a": is there twice`,
		`{"` + "\x7f" + `":x}`:                 `"\x7f": 'x' does not begin a value`,
		`{"a":[[],[{"b":]}`:                    "a[1][0].b: ']' does not begin a value",
		`1 1`:                                  "there is more behind the end of the document",
		strings.Repeat("[", 33):                "is nested more than 32 levels deep",
		strings.Repeat("[", 1e6):               "is nested more than 32 levels deep",
	} {
		err := strictjson.Decode([]byte(doc), skip)
		switch {
		case want == "" && err != nil:
			t.Errorf("%.60s: got error %v, want none", doc, err)
		case want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)):
			t.Errorf("%.60s: got error %v, want %q", doc, err, want)
		}
	}
}

func TestInt(t *testing.T) {
	for doc, want := range map[string]int64{
		"0": 0, "-7": -7, "16.0": 16, "16.000": 16, "9007199254740993": 1<<53 + 1, "9223372036854775807": 1<<63 - 1,
	} {
		var got int64
		if err := strictjson.Decode([]byte(doc), func(d *strictjson.Decoder) (err error) {
			got, err = d.Int()
			return err
		}); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", doc, got, err, want)
		}
	}
	for _, doc := range []string{"16.5", "16.00000000000000000001", "15.9999999999999999999", "1.6e1", "1e400", "9223372036854775808", `"16"`, "null", "", "0x10", "-"} {
		if err := strictjson.Decode([]byte(doc), func(d *strictjson.Decoder) error {
			_, err := d.Int()
			return err
		}); err == nil {
			t.Errorf("%s: got no error", doc)
		}
	}
}

// Whatever is accepted is JSON, and its strings are those that encoding/json reads.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e+3,"x\u00e9",true,null,{"b":""}]}`))
	f.Add([]byte(`["\ud83d\ude00\"\\\/\b\f\n\r\t"]`))
	f.Add([]byte(`{"a":1,"A":2}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if strictjson.Decode(doc, skip) == nil && !json.Valid(doc) {
			t.Errorf("accepts %q, which is not JSON", doc)
		}
		var got string
		err := strictjson.Decode(doc, func(d *strictjson.Decoder) (err error) {
			got, err = d.String()
			return err
		})
		var want string
		if err == nil && (json.Unmarshal(doc, &want) != nil || got != want) {
			t.Errorf("reads %q as %q, want %q", doc, got, want)
		}
	})
}

func BenchmarkResources(b *testing.B) {
	one := []byte(`{"name":"model-00001-of-00002.safetensors","digest":"` + strings.Repeat("ab", 32) + `","algorithm":"sha256"},`)
	doc := append([]byte("["), bytes.Repeat(one, 10_000)...)
	doc = append(doc[:len(doc)-1], ']')
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if err := strictjson.Decode(doc, skip); err != nil {
			b.Fatal(err)
		}
	}
}

// A reader may allow more members than are allowed else.
func TestAllowMembers(t *testing.T) {
	members := func(n int) []byte {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, `,"%d":1`, i)
		}
		return append(append([]byte("{"), b.Bytes()[1:]...), '}')
	}
	for n, allowed := range map[int]int{strictjson.MaxMembers: 0, 100: 100} {
		for more, want := range map[int]bool{0: true, 1: false} {
			err := strictjson.Decode(members(n+more), func(d *strictjson.Decoder) error {
				if allowed > 0 {
					d.AllowMembers(allowed)
				}
				return d.Skip()
			})
			if (err == nil) != want {
				t.Errorf("%d members: got error %v", n+more, err)
			}
		}
	}
}
