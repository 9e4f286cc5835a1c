package modelsigning_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/modelsigning/modelsigning/bundle"
	"github.com/modelsigning/modelsigning/hashing"
	"github.com/modelsigning/modelsigning/manifest"
	"github.com/modelsigning/modelsigning/signing"
	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/streaming.md.

// Example_receive verifies an upload while it is stored.
func Example_receive() {
	ctx := context.Background()
	var sent bytes.Buffer
	w := tar.NewWriter(&sent)
	if err := errors.Join(w.AddFS(os.DirFS("finbert")), w.Close(), os.Mkdir("incoming", 0o777)); err != nil {
		log.Fatal(err)
	}
	archive := tar.NewReader(&sent)

	signature, err := bundle.ReadFileLimit("finbert.sig", 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	upload, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		SetHashingConfig(hashing.Config().SetMaxResources(100_000).SetMaxBytes(1<<40)).
		Receive(ctx, signature)
	if err != nil {
		log.Fatal(err) // nobody has sent a byte of the model yet
	}
	fmt.Println("files to come:", len(upload.Signed().Manifest.Resources))

	incoming, err := os.OpenRoot("incoming")
	if err != nil {
		log.Fatal(err)
	}
	for header, err := archive.Next(); err != io.EOF; header, err = archive.Next() {
		switch {
		case err != nil:
			log.Fatal(err)
		case header.Typeflag == tar.TypeDir:
			continue
		case header.Typeflag != tar.TypeReg:
			log.Fatalf("%q is not a regular file", header.Name)
		}
		file, err := upload.Create(header.Name)
		if err != nil {
			log.Fatal(err) // no name for a file, or not a signed one
		}
		if err := incoming.MkdirAll(path.Dir(header.Name), 0o777); err != nil {
			log.Fatal(err)
		}
		disk, err := incoming.Create(header.Name)
		if err != nil {
			log.Fatal(err)
		}
		_, err = io.Copy(io.MultiWriter(disk, file), archive)
		if err := errors.Join(err, file.Close(), disk.Close()); err != nil {
			log.Fatal(err) // this file is not what was signed
		}
	}
	result, err := upload.Close()
	if err != nil {
		log.Fatal(err)
	}
	incoming.Close()
	fmt.Println("not covered:", result.Ignored, result.Unsigned)
	if err := os.Rename("incoming", "received"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// files to come: 2
	// not covered: [.gitattributes] []
}

// Example_receiveRanges writes the parts of a file as they come, the last before the first.
func Example_receiveRanges() {
	ctx := context.Background()
	signature, err := bundle.ReadFile("finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	config := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})
	download, err := config.Receive(ctx, signature)
	if err != nil {
		log.Fatal(err)
	}

	file, err := download.CreateAt("model.safetensors", 7)
	if err != nil {
		log.Fatal(err)
	}
	for _, part := range []struct {
		offset int64
		data   string
	}{{4, "hts"}, {0, "weig"}} {
		_, err := file.WriteAt([]byte(part.data), part.offset)
		if errors.Is(err, hashing.ErrOutOfOrder) {
			continue // keep it, and write it again when what comes before it is written
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}

	_, err = download.Close()
	var mismatch *verifying.MismatchError
	if errors.As(err, &mismatch) {
		fmt.Println("missing:", mismatch.Missing)
	}
	// Output: missing: [config.json]
}

// Example_checkpoint signs a checkpoint that is being written.
func Example_checkpoint() {
	ctx := context.Background()
	if err := os.Mkdir("step-1000", 0o777); err != nil {
		log.Fatal(err)
	}
	state := map[string][]byte{"rank0.distcp": []byte("weights"), "rank1.distcp": []byte("more weights")}

	checkpoint, err := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"}).
		Record(ctx, "step-1000")
	if err != nil {
		log.Fatal(err) // it could not be signed anyway
	}
	defer checkpoint.Close()
	for name, tensors := range state {
		file, err := checkpoint.Create(name)
		if err != nil {
			log.Fatal(err)
		}
		disk, err := os.Create(filepath.Join("step-1000", name))
		if err != nil {
			log.Fatal(err)
		}
		_, err = io.MultiWriter(disk, file).Write(tensors)
		if err := errors.Join(err, file.Close(), disk.Close()); err != nil {
			log.Fatal(err)
		}
	}
	signature, err := checkpoint.Sign()
	if err != nil {
		log.Fatal(err)
	}
	if err := signature.WriteFile("step-1000.sig"); err != nil {
		log.Fatal(err)
	}

	_, err = verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		Verify("step-1000", "step-1000.sig")
	fmt.Println(err)
	// Output: <nil>
}

// Example_digests verifies what a database says of a model.
func Example_digests() {
	ctx := context.Background()
	signature, err := bundle.ReadFile("finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	config := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})
	list := strings.NewReader(fmt.Sprintf(`[
		{"path": "config.json", "size": 2, "sha256": "%x"},
		{"path": "model.safetensors", "size": 7, "sha256": "%x"}
	]`, sha256.Sum256([]byte("{}")), sha256.Sum256([]byte("weights"))))

	files, err := hashing.ReadFiles(list)
	if err != nil {
		log.Fatal(err)
	}
	result, err := config.VerifyFiles(ctx, "finbert", files, signature)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed by", result.Signer.Method)
	// Output: signed by key
}

// Example_digestsSign signs files that nobody has read.
func Example_digestsSign() {
	ctx := context.Background()
	digest := manifest.Digest{Algorithm: manifest.SHA256, Hex: strings.Repeat("0123456789abcdef", 4)}
	config := signing.Config().
		UseEllipticKeySigner(signing.EllipticKey{PrivateKey: "key.priv"})

	files := []manifest.File{{Path: "model.safetensors", Size: 5 << 30, Digest: digest}}
	signature, err := config.SignFiles(ctx, "finbert", files)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed by", signature.Method())
	// Output: signed by key
}

// Example_unpulled verifies a clone without its large files.
func Example_unpulled() {
	_, err := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"}).
		SetHashingConfig(hashing.Config().SetFollowLFSPointers(true)).
		Verify("finbert", "finbert.sig")
	fmt.Println(err)
	// Output: <nil>
}

// Example_anySource verifies a model in a zip archive.
func Example_anySource() {
	ctx := context.Background()
	signature, err := bundle.ReadFile("finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	config := verifying.Config().
		UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	if err := errors.Join(w.AddFS(os.DirFS("finbert")), w.Close()); err != nil {
		log.Fatal(err)
	}

	archive, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		log.Fatal(err)
	}
	result, err := config.VerifyFS(ctx, archive, "finbert.zip", signature)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("not covered:", result.Ignored)
	// Output: not covered: [.gitattributes]
}
