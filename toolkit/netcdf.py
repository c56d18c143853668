"""A result as the bytes of a NetCDF file, and back.

It is written in memory: the HDF5 library crashes the process, at the latest when it ends, if it writes to a disk that
is full. xarray's writer and reader spend most of their time on looking up dimensions again and again: 0.15 s for a cell
of a store, where h5py takes 0.01 s.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

__all__ = ["from_bytes", "to_bytes"]

# Attributes by which NetCDF ties variables to dimensions; the others are the user's.
INTERNAL = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "coordinates"}
NOT_A_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


def to_bytes(result: xarray.Dataset) -> bytes:
    """Return a data set as the bytes of a NetCDF file.

    Examples
    --------
    >>> import xarray
    >>> result = xarray.Dataset({"f": (("run", "step"), [[1.0, 0.5]], {"unit": "m"})}, attrs={"method": "γ"})
    >>> from_bytes(to_bytes(result)).identical(result)
    True
    """
    import h5py

    # The netCDF library, too, opens files for writing only if they keep the order in which things were created.
    with h5py.File("data.nc", "w", driver="core", backing_store=False, track_order=True) as file:
        scales = {name: _write_dimension(file, result, name, number) for number, name in enumerate(result.sizes)}
        for name, variable in result.variables.items():
            if name not in scales:
                written = _write_values(file, name, variable)
                for axis, dimension in enumerate(variable.dims):
                    written.dims[axis].attach_scale(scales[dimension])
        beside = " ".join(str(name) for name in result.coords if name not in scales)
        _write_attributes(file, result.attrs | ({"coordinates": beside} if beside else {}))
        file.flush()
        return bytes(file.id.get_file_image())


def _write_dimension(file: Any, result: xarray.Dataset, name: Any, number: int) -> Any:
    if name in result.variables:
        scale = _write_values(file, name, result.variables[name])
        scale.make_scale(name)
    else:
        scale = file.create_dataset(name, shape=(result.sizes[name],), dtype=">f4")
        scale.make_scale(f"{NOT_A_VARIABLE}{result.sizes[name]:10d}")
    scale.attrs["_Netcdf4Dimid"] = np.int32(number)
    return scale


def _write_values(file: Any, name: Any, variable: xarray.Variable) -> Any:
    import h5py

    text = variable.dtype.kind == "U"
    values = variable.values.astype(object) if text else variable.values
    written = file.create_dataset(name, data=values, dtype=h5py.string_dtype() if text else None)
    _write_attributes(written, variable.attrs)
    return written


def _write_attributes(owner: Any, attributes: Mapping[Any, Any]) -> None:
    for name, value in attributes.items():
        owner.attrs[name] = value


def from_bytes(data: bytes) -> xarray.Dataset:
    """Return the data set that `to_bytes` was given.

    Raises
    ------
    OSError, KeyError
        If these are not the bytes of such a file.
    """
    import h5py
    import xarray

    with h5py.File(io.BytesIO(data)) as file:
        variables = {name: one for name, one in file.items() if not _is_bare_dimension(one)}
        coordinates = str(file.attrs.get("coordinates", "")).split()
        found = {name: (_dimensions(file, one), _values(one), _attributes(one)) for name, one in variables.items()}
        attributes = _attributes(file)
    return xarray.Dataset(found, attrs=attributes).set_coords(coordinates)


def _is_bare_dimension(one: Any) -> bool:
    return bytes(one.attrs.get("NAME", b"")).startswith(NOT_A_VARIABLE.encode())


def _dimensions(file: Any, variable: Any) -> tuple[str, ...]:
    if "DIMENSION_LIST" in variable.attrs:
        return tuple(file[reference[0]].name.lstrip("/") for reference in variable.attrs["DIMENSION_LIST"])
    return (variable.name.lstrip("/"),) * variable.ndim  # a dimension's own coordinate, or a number


def _values(variable: Any) -> Any:
    import h5py

    return np.array(variable.asstr()[()], dtype=str) if h5py.check_string_dtype(variable.dtype) else variable[()]


def _attributes(owner: Any) -> dict[str, Any]:
    return {name: owner.attrs[name] for name in owner.attrs if name not in INTERNAL}
