"""The stage: everything on one page, the switches, and the truth panel always in sight."""

from playwright.sync_api import expect
