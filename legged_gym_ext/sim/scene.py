"""The MJCF text of one world: a robot on the ground, with boxes to be placed later. Knows no engine.

Backends that read MJCF compile this text and then fill in the height field, the boxes and the dynamics of each world.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np

from legged_gym_ext.robots.base import RobotCfg
from legged_gym_ext.robots.model import robot_mjcf
from legged_gym_ext.sim.interface import SceneCfg, SimCfg
from legged_gym_ext.terrain.height_field import HeightField

GROUND = "ground"
"""Name of the ground geom and of the height field asset."""
PARKED = (0.0, 0.0, -50.0)
"""Where boxes of zero size wait, m; far from everything."""

_COLLIDES_WITH_ROBOT = {"contype": "2", "conaffinity": "1"}
_STEPS_TO_YIELD = 2
"""Time constant of contacts and joint limits in physics steps: the stiffest that the engine integrates stably."""


def box_name(index: int) -> str:
    """Name of the geom of box ``index``."""
    return f"box{index}"


def scene_mjcf(
    robot: RobotCfg, sim: SimCfg, scene: SceneCfg, height_field: HeightField | None, *, visual: bool = False
) -> str:
    """MJCF of a world as text; ``visual`` adds what only a picture needs: the robot's shell, sky, light, texture."""
    root = ET.fromstring(robot_mjcf(robot, visual=visual))
    # A simulation that went wrong must stay visibly wrong for the NaN guard: no automatic reset.
    option = _child(root, "option")
    option.attrib.update(
        timestep=str(sim.dt),
        integrator="implicitfast",
        solver="Newton",
        cone="pyramidal",
        iterations=str(sim.solver_iterations),
        ls_iterations=str(sim.line_search_iterations),
    )
    ET.SubElement(option, "flag", autoreset="disable")
    _stiffen(root, sim.dt)
    _add_ground(root, height_field, visual)
    world = _child(root, "worldbody")
    for index in range(scene.num_boxes):
        box = {"name": box_name(index), "type": "box", "size": "0.001 0.001 0.001", "rgba": "0.55 0.42 0.32 1"}
        ET.SubElement(world, "geom", box | {"pos": " ".join(map(str, PARKED))} | _COLLIDES_WITH_ROBOT)
    if visual:
        _add_looks(root)
    return ET.tostring(root, encoding="unicode")


def _stiffen(root: ET.Element, dt: float) -> None:
    """Make contacts and joint limits as stiff as physics steps of ``dt`` s allow, whatever the model's own numbers."""
    solref = f"{_STEPS_TO_YIELD * dt:.10g} 1"
    for geom in root.iterfind("default/default/geom[@contype='1']"):
        geom.set("solref", solref)
    for joint in root.iter("joint"):
        joint.set("solreflimit", solref)


def height_field_data(height_field: HeightField) -> np.ndarray:
    """Heights as the engine stores them: rows along y, columns along x, scaled to 0..1, flat float32 array."""
    heights = height_field.heights.cpu().numpy().T
    low, span = _height_range(height_field)
    return ((heights - low) / span).astype(np.float32).ravel()


def _height_range(height_field: HeightField) -> tuple[float, float]:
    low = float(height_field.heights.min())
    return low, max(float(height_field.heights.max()) - low, 1e-3)


def _add_ground(root: ET.Element, height_field: HeightField | None, visual: bool) -> None:
    attributes = {"name": GROUND, **_COLLIDES_WITH_ROBOT}
    if visual:
        attributes["material"] = GROUND
    if height_field is None:
        attributes.update(type="plane", size="0 0 1")
    else:
        nx, ny = height_field.heights.shape
        low, span = _height_range(height_field)
        half_x, half_y = 0.5 * height_field.length, 0.5 * height_field.cfg.width
        size = f"{half_x} {half_y} {span} 0.5"
        ET.SubElement(_child(root, "asset"), "hfield", name=GROUND, nrow=str(ny), ncol=str(nx), size=size)
        center = f"{height_field.x_min + half_x} {height_field.y_min + half_y} {low}"
        attributes.update(type="hfield", hfield=GROUND, pos=center)
    _child(root, "worldbody").insert(0, ET.Element("geom", attributes))


def _add_looks(root: ET.Element) -> None:
    visual = _child(root, "visual")
    ET.SubElement(visual, "headlight", ambient="0.35 0.35 0.35", diffuse="0.35 0.35 0.35", specular="0.1 0.1 0.1")
    ET.SubElement(visual, "global", offwidth="1920", offheight="1080")
    ET.SubElement(visual, "quality", shadowsize="2048")
    ET.SubElement(visual, "map", znear="0.01", zfar="100")
    asset = _child(root, "asset")
    sky = {"rgb1": "0.62 0.75 0.88", "rgb2": "0.92 0.95 0.98", "width": "64", "height": "256"}
    ET.SubElement(asset, "texture", {"type": "skybox", "builtin": "gradient"} | sky)
    checker = {"rgb1": "0.42 0.47 0.45", "rgb2": "0.50 0.55 0.53", "width": "128", "height": "128"}
    ET.SubElement(asset, "texture", {"name": GROUND, "type": "2d", "builtin": "checker"} | checker)
    ET.SubElement(asset, "material", name=GROUND, texture=GROUND, texuniform="true", texrepeat="1 1", specular="0.05")
    # The light goes with the robot, because shadows are drawn around it alone.
    light = {
        "mode": "track",
        "pos": "0.9 -1.2 3",
        "dir": "-0.3 0.4 -1",
        "directional": "true",
        "diffuse": "0.5 0.5 0.5",
    }
    trunk = _child(root, "worldbody").find("body")
    assert trunk is not None
    ET.SubElement(trunk, "light", light)
    _child(root, "statistic").set("extent", "4")


def _child(parent: ET.Element, tag: str) -> ET.Element:
    """The child ``tag`` of ``parent``, made if missing."""
    found = parent.find(tag)
    return found if found is not None else ET.SubElement(parent, tag)
