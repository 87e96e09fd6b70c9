// Package awstest starts real servers of S3 (versitygw), SQS and SNS (goaws) for tests,
// on loopback, and puts a proxy before them that makes faults. The servers are built
// once, by make test-servers, from the module in the folder servers, into the user's cache
// directory: that takes minutes of CPU. Tests are skipped where they are not built.
package awstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/aws"
)

// Region is the region of the servers.
const Region = "us-east-1"

// Credentials of the servers, which Keys puts into the environment.
const (
	AccessKey = "AKIABLUETRAILTESTKEY"
	SecretKey = "not-a-secret-of-anything"
)

// BuildVariable, when set, has tests build the servers that are not built yet.
const BuildVariable = "BLUETRAIL_BUILD_SERVERS"

// buildTime bounds the build of a server. It is under what a test may take.
const buildTime = 8 * time.Minute

// Keys sets the servers' credentials in the environment and hides all others.
func Keys(tb testing.TB) {
	tb.Helper()
	for k, v := range Environment() {
		tb.Setenv(k, v)
	}
}

// Environment returns what Keys sets, for commands that are started.
func Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey, "AWS_REGION": Region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
	}
}

var builds sync.Map // of import paths, each a func() (string, error)

// build returns the program of a package of the module in the folder servers.
func build(pkg string) (string, error) {
	once, _ := builds.LoadOrStore(pkg, sync.OnceValues(func() (string, error) {
		_, here, _, ok := runtime.Caller(0)
		if !ok || !filepath.IsAbs(here) { // built with -trimpath
			wd, err := os.Getwd()
			if err != nil {
				return "", err
			}
			if here, err = sources(wd); err != nil {
				return "", err
			}
		} else {
			here = filepath.Dir(here)
		}
		return buildIn(filepath.Join(here, "servers"), pkg)
	}))
	return once.(func() (string, error))()
}

// sources finds this package's folder from a folder of the module.
func sources(dir string) (string, error) {
	for {
		here := filepath.Join(dir, "internal", "aws", "awstest")
		if _, err := os.Stat(filepath.Join(here, "servers", "go.mod")); err == nil {
			return here, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the test does not run in the module's folder")
		}
		dir = filepath.Dir(dir)
	}
}

func buildIn(module, pkg string) (string, error) {
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "bluetrail-test-servers")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	hash := sha256.Sum256(append(sums, pkg+runtime.Version()...))
	program := filepath.Join(dir, fmt.Sprintf("%x", hash[:8]))
	lock, err := os.OpenFile(program+".lock", os.O_CREATE|os.O_RDWR, 0o600) // tests of several packages run at once
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if os.Getenv(BuildVariable) == "" {
		return "", fmt.Errorf("it is not built yet: run make test-servers, which takes minutes once, or set %s=1", BuildVariable)
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program+".new", pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath -mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %s: %w: %s", pkg, err, bytes.TrimSpace(out[:min(len(out), 2000)]))
	}
	return program, os.Rename(program+".new", program)
}

// start builds a server, starts it and waits until it answers. It ends with the test.
func start(tb testing.TB, pkg string, args func(port int) []string) (url string) {
	tb.Helper()
	program, err := build(pkg)
	if err != nil {
		tb.Skipf("no server to test with: %v", err)
	}
	for try := range 5 { // somebody may take the port meanwhile
		port := freePort(tb)
		var out bytes.Buffer
		cmd := exec.Command(program, args(port)...)
		cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, tb.TempDir()
		cmd.SysProcAttr = dieWithParent()
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		url = fmt.Sprintf("http://127.0.0.1:%d", port)
		if answers(url, ended) {
			tb.Cleanup(func() {
				cmd.Process.Kill()
				<-ended
			})
			return url
		}
		cmd.Process.Kill()
		<-ended
		if try == 4 {
			tb.Fatalf("%s does not start: %s", pkg, out.Bytes())
		}
	}
	return url
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// answers waits until a server answers, whatever it says, or ends. The end stays in the
// channel.
func answers(url string, ended chan error) bool {
	for range 400 {
		select {
		case err := <-ended:
			ended <- err
			return false
		default:
		}
		if r, err := http.Get(url); err == nil {
			r.Body.Close()
			return true
		}
		time.Sleep(25 * time.Millisecond)
	}
	return false
}

// S3 starts a server of S3 and sets its credentials in the environment.
func S3(tb testing.TB) aws.Access {
	tb.Helper()
	Keys(tb)
	root, side := tb.TempDir(), tb.TempDir()
	url := start(tb, "github.com/versity/versitygw/cmd/versitygw", func(port int) []string {
		return []string{"--access", AccessKey, "--secret", SecretKey, "--region", Region, "--port", fmt.Sprintf("127.0.0.1:%d", port), "--quiet", "--keep-alive", "posix", "--sidecar", side, root}
	})
	return aws.Access{Region: Region, Endpoint: url, PathStyle: true}
}

// SQS starts a server of SQS and SNS and sets credentials in the environment. The
// account of its queues is Account. goaws knows only the query protocol: the SDK's JSON has
// to be translated before it.
func SQS(tb testing.TB) aws.Access {
	tb.Helper()
	Keys(tb)
	dir := tb.TempDir()
	url := start(tb, "github.com/Admiral-Piett/goaws/app/cmd", func(port int) []string {
		config := fmt.Sprintf("Local:\n  Host: 127.0.0.1\n  Port: %d\n  Region: %s\n  AccountId: %q\n  LogToFile: false\n", port, Region, Account)
		path := filepath.Join(dir, "goaws.yaml")
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			tb.Fatal(err)
		}
		return []string{"-config", path, "Local"}
	})
	return aws.Access{Region: Region, Endpoint: url}
}

// Account is the account of the queues of SQS.
const Account = "111122223333"
