"""Syntax of messages, without their meaning: KVN, XML, fields and times."""
