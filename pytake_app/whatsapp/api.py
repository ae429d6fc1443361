"""Endpoints of channel accounts."""

from fastapi import APIRouter

router = APIRouter(tags=["channels"])
