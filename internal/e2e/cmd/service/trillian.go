package main

import (
	"context"
	"flag"
	"net"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc"
)

// trillianServer keeps the Merkle trees of Rekor v1 in memory.
func trillianServer(flags *flag.FlagSet, args []string, ln net.Listener) error {
	flags.Parse(args)
	return newTrillian(context.Background()).Serve(ln)
}

func newTrillian(ctx context.Context) *grpc.Server {
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage: memory.NewAdminStorage(trees),
		LogStorage:   memory.NewLogStorage(trees, nil),
		QuotaManager: quota.Noop(),
	}
	sequencer := log.NewOperationManager(log.OperationInfo{
		Registry:    registry,
		BatchSize:   50,
		NumWorkers:  1,
		RunInterval: 50 * time.Millisecond,
		TimeSource:  clock.System,
	}, log.NewSequencerManager(registry, 0))
	go sequencer.OperationLoop(ctx)

	s := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(s, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(s, server.NewTrillianLogRPCServer(registry, clock.System))
	return s
}
