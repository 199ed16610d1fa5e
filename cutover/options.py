"""Options that several verbs share, and how they become one configuration."""

import argparse
from dataclasses import replace
from pathlib import Path

import yaml

from backends.config import Config, StoreConfig, WikiConfig
from backends.config_file import ConfigError, parse_config, read_config


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add --config, --wiki and --data."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (see config.example.yaml)")
    parser.add_argument("--wiki", metavar="URL", help="the wiki, when there is no config file")
    parser.add_argument("--data", type=Path, metavar="DIR", help="directory of the embedded store and ledger")


def config_of(options: argparse.Namespace) -> Config:
    """Return the configuration that the options mean. Raises ConfigError."""
    if options.config is not None:
        config = read_config(options.config)
        path = options.config.parent / config.store.path
        config = replace(config, store=replace(config.store, path=str(path)))
        if config.verifier.rules:
            rules = str(options.config.parent / config.verifier.rules)
            config = replace(config, verifier=replace(config.verifier, rules=rules))
    elif options.wiki or options.data:
        config = Config()
    else:
        raise ConfigError("command line", 0, "", "either --config FILE or --wiki URL is needed")
    if options.wiki:
        checked = parse_config(yaml.safe_dump({"wiki": {"url": options.wiki}}), "--wiki")
        config = replace(config, wiki=replace(config.wiki, url=checked.wiki.url))
    if options.data:
        config = replace(config, store=replace(config.store, path=str(options.data)))
    assert isinstance(config.wiki, WikiConfig)
    assert isinstance(config.store, StoreConfig)
    return config
