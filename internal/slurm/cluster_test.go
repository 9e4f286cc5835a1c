//go:build linux

package slurm_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = 2 * time.Minute // the machine may be busy

// A cluster is a Slurm of one node with many processors, which listens on the loopback interface.
type cluster struct {
	*testing.T
	dir string
	env []string
}

// start starts munged, slurmctld and slurmd in the foreground, with all that they keep in a directory of the test's.
// They are stopped when the test ends.
func start(t *testing.T, path string) *cluster {
	c := &cluster{T: t, dir: t.TempDir()}
	conf := filepath.Join(c.dir, "slurm.conf")
	c.env = append(os.Environ(), "SLURM_CONF="+conf, "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, name := range []string{"state", "spool"} {
		c.must(os.Mkdir(filepath.Join(c.dir, name), 0o755))
	}
	key := make([]byte, 1024)
	rand.Read(key)
	c.write("munge.key", string(key))
	c.write("slurm.conf", c.config())
	c.write("cgroup.conf", "CgroupPlugin="+cgroups(t)+"\n")
	in := func(name string) string { return filepath.Join(c.dir, name) }
	c.daemon("munged", "--foreground", "--force", "--key-file="+in("munge.key"), "--socket="+in("munge.sock"),
		"--pid-file="+in("munged.pid"), "--seed-file="+in("munge.seed"), "--log-file="+in("munged-file.log"))
	c.await("munged", func() bool { _, err := os.Stat(in("munge.sock")); return err == nil })
	c.daemon("slurmctld", "-D", "-f", conf)
	c.daemon("slurmd", "-D", "-f", conf, "-N", "localhost")
	c.await("a node that is idle", func() bool {
		out, _ := c.try("sinfo", "--noheader", "--format=%T")
		return strings.TrimSpace(out) == "idle"
	})
	t.Cleanup(func() {
		c.try("scancel", "--signal=KILL", "--full", "--partition=main")
		c.try("scancel", "--partition=main")
		if t.Failed() {
			c.showLogs()
		}
	})
	return c
}

func (c *cluster) config() string {
	me, err := user.Current()
	c.must(err)
	return fmt.Sprintf(`ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=%[2]d
SlurmdPort=%[3]d
SlurmUser=%[4]s
SlurmdUser=%[4]s
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.sock,cred_expire=5
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool
SlurmctldPidFile=%[1]s/slurmctld.pid
SlurmdPidFile=%[1]s/slurmd.pid
SlurmctldLogFile=%[1]s/slurmctld-file.log
SlurmdLogFile=%[1]s/slurmd-file.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
KillWait=2
SlurmdParameters=config_overrides
NodeName=localhost NodeAddr=127.0.0.1 CPUs=16 RealMemory=100 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=10 State=UP
`, c.dir, freePort(c.T), freePort(c.T), me.Username)
}

// cgroups returns the plugin that asks for none, which release 23.02 has brought.
func cgroups(t *testing.T) string {
	out, err := exec.Command(find("slurmd"), "-V").Output()
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(` (\d+)\.`).FindSubmatch(out); m != nil {
		if year, err := strconv.Atoi(string(m[1])); err == nil && year >= 23 {
			return "disabled"
		}
	}
	return "autodetect"
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// find returns the path of a program, which may be for administrators.
func find(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	return filepath.Join("/usr/sbin", program)
}

// daemon starts a program that is stopped when the test ends.
func (c *cluster) daemon(name string, args ...string) {
	c.Helper()
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	c.must(err)
	cmd := exec.Command(find(name), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = c.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.must(cmd.Start())
	c.Cleanup(func() {
		defer log.Close()
		cmd.Process.Signal(syscall.SIGTERM)
		force := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		defer force.Stop()
		cmd.Wait()
	})
}

func (c *cluster) showLogs() {
	names, _ := filepath.Glob(filepath.Join(c.dir, "*.log"))
	for _, name := range names {
		data, _ := os.ReadFile(name)
		c.Logf("%s:\n%s", filepath.Base(name), data[max(0, len(data)-4000):])
	}
}

func (c *cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cluster) write(name, content string) {
	c.Helper()
	c.must(os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600))
}

// try runs a program, but not for long, and returns what it prints.
func (c *cluster) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = c.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%q: %w\n%s", args, err, &stderr)
	}
	return string(out), err
}

func (c *cluster) run(args ...string) string {
	c.Helper()
	out, err := c.try(args...)
	c.must(err)
	return strings.TrimSpace(out)
}

// await waits until something is the case.
func (c *cluster) await(what string, is func() bool) {
	c.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("waited in vain for %s", what)
		}
	}
}

// state returns what Slurm says of a job, or of a task as in 5_3.
func (c *cluster) state(job string) string {
	out, _ := c.try("scontrol", "--oneliner", "show", "job", job)
	if m := regexp.MustCompile(` JobState=(\w+)`).FindStringSubmatch(out); m != nil {
		return m[1]
	}
	return "unknown"
}
