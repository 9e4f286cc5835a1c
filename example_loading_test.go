package modelsigning_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/modelsigning/modelsigning/verifying"
)

// The examples of docs/loading.md. They compile.

func Example_loadingModel() {
	ctx := context.Background()
	config := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})

	model, err := config.OpenModel(ctx, "finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	data, err := model.ReadFile("config.json") // verified before it is returned
	var mismatch *verifying.MismatchError
	switch {
	case errors.As(err, &mismatch):
		log.Fatal("somebody changed the model: ", err)
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(string(data))
}

func Example_loadingStream() {
	model, err := verifying.Config().OpenModel(context.Background(), "finbert", "finbert.sig")
	if err != nil {
		log.Fatal(err)
	}
	f, err := model.Open("weights.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	_, err = io.Copy(os.Stdout, f) // a larger file is known to be right when there is no error
	if err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil { // ErrUnverified, if it was not read to its end
		log.Fatal(err)
	}
}

func Example_loadingCopy() {
	config := verifying.Config().UseEllipticKeyVerifier(verifying.EllipticKey{PublicKey: "key.pub"})

	result, err := config.Copy("downloads/finbert", "finbert.sig", "models/finbert")
	if err != nil {
		log.Fatal(err) // and there is no models/finbert
	}
	fmt.Println("copied what was signed by", result.Signer.Subject)
}
