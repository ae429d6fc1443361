# Thin names for ./pytake; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up test quick lint types doctor migrate bench image compose clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## run everything on this machine
	./pytake up

test: ## lint, types and all tests
	./pytake test

quick: ## tests without browser, measurements and chaos
	./pytake test -m "not e2e and not perf and not chaos"

lint: ## ruff alone
	.venv/bin/python -m ruff check .

types: ## mypy alone
	.venv/bin/python -m mypy

doctor: ## check this installation
	./pytake doctor

migrate: ## bring the database schema up to date
	./pytake migrate

bench: ## measure the message pipeline
	./pytake bench pipeline

image: ## build the container image
	docker build -t pytake .

compose: ## run with containers: PostgreSQL, Redis and every role
	docker compose up --build

clean: ## remove what was built; data stays
	rm -rf .venv .venv.lock .web .frontend .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results
