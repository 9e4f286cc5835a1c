package layouts_test

import (
	"strings"
	"testing"

	"github.com/modelsigning/modelsigning/hashing"
)

var (
	attributes = "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
	weights    = safetensors("a", strings.Repeat("w", 2000))
	pointer    = "version https://git-lfs.github.com/spec/v1\noid sha256:" + blobOf("x.safetensors", weights) + "\nsize 2072\n"
	clone      = files{
		".git/HEAD": "ref: refs/heads/main\n", ".git/index": "DIRC", ".git/lfs/objects/01/23/0123": weights, ".git/hooks/post-checkout": "git lfs",
		".gitattributes": attributes, ".gitignore": "*.tmp\n", "README.md": "# m", "model.safetensors": weights, "vendor/.git": "gitdir: ../.git/modules/vendor\n",
	}
)

func TestGitClone(t *testing.T) {
	layout{
		files:   clone,
		ignored: []string{".git/", ".gitattributes", ".gitignore"},
		breakages: []breakage{
			{"weights that were not pulled", write("model.safetensors", pointer), outcome{
				changed: []string{"model.safetensors"}, pointers: []string{"model.safetensors"}, says: "run git lfs pull"}},
			{"weights that another filter made", write("model.safetensors", strings.ReplaceAll(pointer, "\n", "\r\n")), outcome{changed: []string{"model.safetensors"}}},
			{"another commit", write(".git/HEAD", "0123"), outcome{ignored: []string{".git/", ".gitattributes", ".gitignore"}}},
			{"a submodule", write("vendor/.git", "gitdir: /elsewhere"), outcome{changed: []string{"vendor/.git"}}},
			{"an archive, without git's files", func(t *testing.T, root string) {
				for _, name := range []string{".git", ".gitattributes", ".gitignore"} {
					remove(name)(t, root)
				}
			}, outcome{}},
			{"ends of lines, as git changes them for Windows", write("README.md", "# m\r"), outcome{changed: []string{"README.md"}}},
		},
	}.test(t)
}

// A clone whose weights were not pulled can be signed, as what it is. The clone with the weights is another model.
func TestGitClonePointersSigned(t *testing.T) {
	root := files{"README.md": "# m", "model.safetensors": pointer}.build(t)
	sig, v := sign(t, root, hashing.Config())
	r, err := v.Verify(root, sig)
	outcome{}.check(t, "pointers", r, err)
	write("model.safetensors", weights)(t, root)
	_, err = v.Verify(root, sig)
	outcome{changed: []string{"model.safetensors"}}.check(t, "pulled", nil, err)
}
