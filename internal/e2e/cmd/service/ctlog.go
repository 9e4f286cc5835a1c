package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/certificate-transparency-go/trillian/ctfe"
	"github.com/google/certificate-transparency-go/trillian/ctfe/configpb"
	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/crypto/keys"
	"github.com/google/trillian/crypto/keys/der"
	"github.com/google/trillian/crypto/keyspb"
	"github.com/google/trillian/monitoring"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/modelsigning/modelsigning/internal/e2e/child"
)

// ctLog is a certificate transparency log over an in-process Trillian, at the path /test.
func ctLog(flags *flag.FlagSet, args []string, ln net.Listener) error {
	keyFile := flags.String("key", "", "P-256 private key of the log, PKCS #8 PEM")
	roots := flags.String("roots", "", "certificates that the log accepts, PEM")
	flags.Parse(args)
	ctx := context.Background()

	backend, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go newTrillian(ctx).Serve(backend)
	conn, err := grpc.NewClient(backend.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	logClient := trillian.NewTrillianLogClient(conn)
	tree, err := client.CreateAndInitTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState:       trillian.TreeState_ACTIVE,
		TreeType:        trillian.TreeType_LOG,
		MaxRootDuration: durationpb.New(0),
	}}, trillian.NewTrillianAdminClient(conn), logClient)
	if err != nil {
		return err
	}

	private, public, err := readKey(*keyFile)
	if err != nil {
		return err
	}
	keys.RegisterHandler(&keyspb.PrivateKey{}, der.FromProto)
	config, err := ctfe.ValidateLogConfig(&configpb.LogConfig{
		LogId:        tree.TreeId,
		Prefix:       "test",
		RootsPemFile: []string{*roots},
		PrivateKey:   private,
		PublicKey:    public,
		ExtKeyUsages: []string{"CodeSigning"},
	})
	if err != nil {
		return err
	}
	instance, err := ctfe.SetUpInstance(ctx, ctfe.InstanceOptions{
		Validated:     config,
		Client:        logClient,
		Deadline:      10 * time.Second,
		MetricFactory: monitoring.InertMetricFactory{},
		RequestLog:    new(ctfe.DefaultRequestLog),
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for path, handler := range instance.Handlers {
		mux.Handle(path, handler)
	}
	return child.Serve(ln, mux)
}

func readKey(name string) (private *anypb.Any, public *keyspb.PublicKey, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, nil, errors.New("no PEM block in " + name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.(*ecdsa.PrivateKey).Public())
	if err != nil {
		return nil, nil, err
	}
	private, err = anypb.New(&keyspb.PrivateKey{Der: block.Bytes})
	return private, &keyspb.PublicKey{Der: spki}, err
}
