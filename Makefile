# make run    build, then the demo: generate a synthetic organization, ingest it and search it; on a terminal, serve it
# make check  the daily round: build, vet and the short tests of what changed
# make test   all that CI runs
# make web    build the pages of the browser into web/dist (needs Node 20)
# make bench  the benchmarks behind docs/performance.md
# make resident  measure the memory that searches use on large inputs (an hour or more)
GO      ?= go
VERSION ?= $(shell git describe --tags --always 2>/dev/null || echo dev)
BIN     := bin/bluetrail
FUZZTIME ?= 2000x
export GOTOOLCHAIN := local

.PHONY: all build web web-test run check test bench generate format vet lint unit fuzz vuln tools clean

all: build

# Without npm the program is built without the pages, and says so when somebody asks for one.
build:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web; else echo "npm is missing: building without the pages"; fi
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/bluetrail

# The pages are built again only when a file of theirs is newer.
WEB := $(shell find web/src web/public web/index.html web/*.ts web/*.js web/package-lock.json -type f 2>/dev/null)
web: web/dist/index.html
web/dist/index.html: $(WEB)
	cd web && npm ci --prefer-offline --no-audit --no-fund && npm run build

# The pages in a real browser, on the demo's data; screenshots go to web/test/shots.
web-test: build
	cd web && npm run check && npm run size && npm test

run: build
	@if [ -t 0 ] && [ -t 1 ] && [ -z "$$CI" ]; then exec $(BIN) demo; else exec $(BIN) demo --no-serve; fi

check:
	@scripts/check

test: tools format vet lint generate-check web-test unit fuzz-some vuln

# What the tests need beside Go: Node and Chromium for the pages, a C compiler for the race detector.
tools:
	@command -v npm >/dev/null && { [ -x /usr/bin/chromium ] || [ -x /usr/bin/chromium-headless-shell ] || [ -n "$$CHROMIUM" ]; } || { echo "installing node and chromium (the pages and their tests need them)"; \
	  { apt-get update -qq && apt-get install -y -qq nodejs npm chromium; } || { echo "cannot install them; install Node 20 and Chromium by hand"; exit 1; }; }
	@command -v gcc >/dev/null || { echo "installing gcc (the race detector needs it)"; \
	  { apt-get update -qq && apt-get install -y -qq gcc libc6-dev; } || { echo "cannot install gcc; install a C compiler by hand"; exit 1; }; }

format:
	@out=$$(gofmt -l cmd internal); if [ -n "$$out" ]; then echo "not formatted (run gofmt -w):"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...

lint:
	$(GO) tool staticcheck ./...

# Everything that is made from the code, made anew.
generate:
	$(GO) run ./internal/spl/reference docs/spl
	$(GO) run ./internal/event/reference docs/fields.md
	$(GO) run ./rules/reference docs/detections.md

.PHONY: generate-check
generate-check:
	@tmp=$$(mktemp -d) && $(GO) run ./internal/spl/reference $$tmp && \
	  diff -r -x differences.md docs/spl $$tmp >/dev/null && rm -rf $$tmp || { echo "docs/spl is not what the code says: run make generate"; exit 1; }
	@tmp=$$(mktemp) && $(GO) run ./internal/event/reference $$tmp && \
	  diff docs/fields.md $$tmp >/dev/null && rm -f $$tmp || { echo "docs/fields.md is not what the code says: run make generate"; exit 1; }

# Some tests skip under the race detector, which makes them take minutes. Those of the
# command start it hundreds of times, and run without it, too; so do those that hash whole
# trails, whose workers the tests of the ledger run under it.
SLOW := ./cmd/bluetrail ./internal/digest/folder ./internal/digest/inbucket
unit:
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v -x $$(printf -- '-e bluetrail/%s ' $(SLOW:./%=%)))
	$(GO) test -timeout 20m $(SLOW)
	$(GO) test ./internal/plan ./internal/spl/fn -run 'TestResident$$|TestNoLoopIsDeaf$$|TestBounds$$'

# Every search that is known to hold much, over large inputs, with what it was resident with.
.PHONY: resident
resident:
	BLUETRAIL_RESIDENT=all $(GO) test ./internal/plan -run 'TestResident$$' -v -timeout 5h

# The server is killed 200 times while its folder is filled, and while clients send to it;
# make test kills it a few times.
.PHONY: kill
kill:
	BLUETRAIL_KILLS=200 $(GO) test ./cmd/bluetrail -run 'ServeKilled|ReceiversKilled' -v -timeout 60m

# The servers of S3, SQS and SNS that tests start: see internal/aws/awstest.
.PHONY: test-servers
test-servers:
	BLUETRAIL_BUILD_SERVERS=1 $(GO) test -count=1 -timeout 30m ./internal/aws/awstest

# A short run of every fuzz target; make fuzz FUZZTIME=5m for a long one. The tests run a
# third of them, another one each day.
fuzz:
	@scripts/fuzz $(FUZZTIME)

.PHONY: fuzz-some
fuzz-some:
	@scripts/fuzz $(FUZZTIME) 3

# govulncheck asks a server on the internet; without one it is passed over, aloud.
vuln:
	@scripts/vuln

bench:
	scripts/bench

clean:
	rm -rf bin web/dist/assets web/dist/index.html
